/** The cloud cannot be reached, or does not do what a tool needs. One sentence for a person: what, where, what now. */
export class CloudError extends Error {}
