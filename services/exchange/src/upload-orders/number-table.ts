/**
 * Numbers by text, for a million texts in 32 MB: a Map of strings would take ten times that. A text is known by 64 bits of hash, so two
 * of a million are taken for one with a probability of 3 in 100 million.
 */
export class NumberTable {
  private hashes = new Uint32Array(2 * firstSlots);
  private values = new Float64Array(firstSlots);
  private used = 0;

  get(text: string): number | undefined {
    const slot = this.slotOf(...hashesOf(text));
    return this.isFree(slot) ? undefined : this.values[slot];
  }

  set(text: string, value: number): void {
    if (2 * this.used >= this.values.length) this.grow();
    const [high, low] = hashesOf(text);
    const slot = this.slotOf(high, low);
    if (this.isFree(slot)) this.used++;
    [this.hashes[2 * slot], this.hashes[2 * slot + 1], this.values[slot]] = [high, low, value];
  }

  private isFree(slot: number): boolean {
    return this.hashes[2 * slot] === 0 && this.hashes[2 * slot + 1] === 0;
  }

  /** Of this hash, or the free one where it belongs. */
  private slotOf(high: number, low: number): number {
    const last = this.values.length - 1;
    for (let slot = low & last; ; slot = (slot + 1) & last)
      if (this.isFree(slot) || (this.hashes[2 * slot] === high && this.hashes[2 * slot + 1] === low)) return slot;
  }

  private grow(): void {
    const { hashes, values } = this;
    this.hashes = new Uint32Array(2 * hashes.length);
    this.values = new Float64Array(2 * values.length);
    for (let from = 0; from < values.length; from++) {
      const [high = 0, low = 0] = hashes.subarray(2 * from, 2 * from + 2);
      if (high === 0 && low === 0) continue;
      const slot = this.slotOf(high, low);
      [this.hashes[2 * slot], this.hashes[2 * slot + 1], this.values[slot]] = [high, low, values[from] ?? 0];
    }
  }
}

/** A power of two: a slot is some bits of a hash. */
const firstSlots = 1_024;

/** Two lanes of FNV-1a with different beginnings, mixed as murmur3 ends. Never two zeros, which mark a free slot. */
function hashesOf(text: string): [high: number, low: number] {
  let [high, low] = [0x811c9dc5, 0x9e3779b9];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x85ebca6b);
    low ^= low >>> 15;
  }
  return [mixed(high), mixed(low) || 1];
}

function mixed(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
