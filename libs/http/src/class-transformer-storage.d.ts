// class-transformer publishes this file and class-validator-jsonschema documents its use, but it has no types of its own.
declare module 'class-transformer/cjs/storage.js' {
  export const defaultMetadataStorage: {
    findTypeMetadata(target: unknown, propertyName: string): { typeFunction: () => unknown } | undefined;
  };
}
