export { defineContract, ContractError, type Contract, type DataOf } from './contract.js';
export { contracts, topics, type TopicDefinition } from './all.js';
export { postingRequestedV1, type PostingRequested, type Instruction } from './posting-requested.v1.js';
export { postingCompletedV1, type PostingCompleted, type PostingOutcome } from './posting-completed.v1.js';
export { holderRegisteredV1, type HolderRegistered } from './holder-registered.v1.js';
export { orderFlaggedV1, type OrderFlagged } from './order-flagged.v1.js';
export { programmeChangedV1, type ProgrammeChanged } from './programme-changed.v1.js';
export { programmeClosingV1, type ProgrammeClosing } from './programme-closing.v1.js';
