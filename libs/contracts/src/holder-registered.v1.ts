import { Type, type Static } from '@sinclair/typebox';
import { defineContract } from './contract.js';
import { instant } from './fields.js';

const data = Type.Object({
  holder: Type.String({ format: 'uuid', description: 'stable for the person’s whole life on the platform' }),
  myKeyId: Type.String({ pattern: '^[0-9A-Za-z]{8}$', description: 'マイキーID now bound to the holder; a later event with the same holder replaces it' }),
  registeredAt: instant,
});
export type HolderRegistered = Static<typeof data>;

export const holderRegisteredV1 = defineContract({
  type: 'identity.holder-registered.v1',
  topic: 'identity.holders',
  summary: 'A holder has a My Key ID. Holders belong to the platform, not to one municipality: non-residents may take part.',
  schema: data,
  key: (event) => event.holder,
  tenant: () => undefined,
});
