/** done: every order has ended or waits for a person. failed: the file as a whole cannot be booked. cancelled: the rest never will be. */
export const uploadEnds = ['done', 'failed', 'cancelled'] as const;
export type UploadEnd = (typeof uploadEnds)[number];
