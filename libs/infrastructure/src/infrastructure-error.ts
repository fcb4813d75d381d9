/** Something about the machine that a person can put right. The message is one sentence that says what is wrong and the way out. */
export class InfrastructureError extends Error {
  override readonly name = 'InfrastructureError';
}
