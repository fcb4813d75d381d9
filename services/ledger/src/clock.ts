import { parseInstant, type Instant } from '@points/kernel';

export type Clock = () => Instant;
export const CLOCK = Symbol('clock');

export const systemClock: Clock = () => parseInstant(new Date().toISOString());
