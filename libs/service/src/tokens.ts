/** Injection tokens of what is no class: `@Inject(LOGGER) log: Logger`. */
export const LOGGER = Symbol('logger');
export const METRICS = Symbol('metrics');
