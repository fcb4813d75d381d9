/** A JSON file that can say on which line a field stands. */
export interface JsonDocument {
  readonly value: Readonly<Record<string, unknown>>;
  /** The line of the first `"field":`; 1 when the file does not have it. */
  readonly lineOf: (field: string) => number;
}

export type ReadJson = { readonly document: JsonDocument } | { readonly line: number; readonly reason: string };

export function readJson(bytes: Uint8Array): ReadJson {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { line: 1, reason: 'is not UTF-8 text' };
  }
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return { line: 1, reason: 'must hold one JSON object' };
    return { document: { value, lineOf: (field) => lineAt(text, Math.max(0, text.search(new RegExp(`"${field}"\\s*:`)))) } };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // V8 says "… at position 12 (line 2 column 3)"; a file that ends too early gets no position.
    const position = /at position (\d+)/.exec(error.message)?.[1];
    return {
      line: lineAt(text, position === undefined ? text.trimEnd().length : Number(position)),
      reason: `is not JSON: ${error.message.replace(/ \(line.*$/, '')}`,
    };
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length;
}
