import { IsString } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';

export class NextView {
  @IsString()
  @JSONSchema(
    (schema) =>
      ({ ...schema, type: ['string', 'null'], description: 'send it as `after` for the next page; null after the last' }) as never,
  )
  next!: string | null;
}
