import { applyDecorators } from '@nestjs/common';
import { ArrayMaxSize, ArrayUnique, IsArray, IsString, Matches, MaxLength, MinLength } from 'class-validator';

/** Product, product's facility and tags of both must fit in the 20 places of one posting: 1 + 1 + 1 + 8 + 8. */
export const tagsMax = 8;

/** An id chosen by the municipality: it becomes part of account names and tags in the ledger. */
export function IsId(): PropertyDecorator {
  return Matches(/^[a-z0-9][a-z0-9-]{0,63}$/, { message: '$property must be 1 to 64 of a–z, 0–9 and hyphen' });
}

export function IsName(): PropertyDecorator {
  return applyDecorators(IsString(), MinLength(1), MaxLength(100));
}

/** Tags of the ledger: `<kind>:<id>`. */
export function IsTags(): PropertyDecorator {
  return applyDecorators(
    IsArray(),
    ArrayMaxSize(tagsMax),
    ArrayUnique(),
    Matches(/^[a-z]+:[^\s]{1,100}$/, { each: true, message: 'a tag is <kind>:<id>' }),
  );
}
