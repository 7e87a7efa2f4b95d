/**
 * What is known of each image of a scan: nothing yet, usable, or skipped and why. Each image is checked at most once;
 * what is known can be taken out as plain data and be given back to a later process.
 */
import { isObject } from '@evolmm/internal'
import { EvolmmError } from './errors'
import { isCheckReason, type CheckReason } from './check-image'
import type { UsabilityRules } from './options'

/** Why an image is not sampled; `duplicate` only under `dropDuplicates`. */
export type SkipReason = CheckReason | 'duplicate'

/** What sampling has to know of an image. */
export type Verdict = { usable: true } | { usable: false; reason: CheckReason; detail: string }

export interface DatasetCounts {
  /** Images found by the scan. */
  images: number
  /** Images known to be usable; beside them those known to be skipped, and those not looked at yet. */
  usable: number
  skipped: number
  unchecked: number
  /** Skipped images by reason; reasons that did not occur are left out. */
  byReason: Partial<Record<SkipReason, number>>
}

/** Results of checks as JSON-serialisable data. Belongs to one list of paths and one set of usability rules. */
export interface DatasetState extends UsabilityRules {
  version: 1
  /** SHA-256 of the scanned paths. */
  fingerprint: string
  /** One bit per image in scan order, set if it was checked; base64, without the zero bytes at its end. */
  checked: string
  /** The checked images that are not usable; `index` in scan order. */
  skipped: { index: number; reason: CheckReason; detail: string }[]
}

interface Skipped {
  reason: SkipReason
  detail: string
}

const unknown = 0
const usable = 1
const bad = 2

export class Verdicts {
  readonly #status: Uint8Array
  readonly #skipped = new Map<number, Skipped>()
  readonly #pending = new Map<number, Promise<void>>()
  readonly #check: (index: number) => Promise<Verdict>
  readonly #announce: (index: number, skipped: Skipped) => void
  #usable = 0

  constructor(
    images: number,
    check: (index: number) => Promise<Verdict>,
    announce: (index: number, skipped: Skipped) => void,
  ) {
    this.#status = new Uint8Array(images)
    this.#check = check
    this.#announce = announce
  }

  get badCount(): number {
    return this.#skipped.size
  }

  get allKnown(): boolean {
    return this.#usable + this.#skipped.size === this.#status.length
  }

  isKnown(index: number): boolean {
    return this.#status[index] !== unknown
  }

  isUsable(index: number): boolean {
    return this.#status[index] === usable
  }

  /** Checks the image unless its verdict is known; callers at the same time share one check. */
  async learn(index: number): Promise<void> {
    if (this.isKnown(index)) return
    let pending = this.#pending.get(index)
    if (pending === undefined) {
      pending = this.#learn(index).finally(() => this.#pending.delete(index))
      this.#pending.set(index, pending)
    }
    await pending
  }

  async #learn(index: number): Promise<void> {
    this.settle(index, await this.#check(index))
  }

  /** Records the result of a check, and announces an image that is not usable. */
  settle(index: number, result: Verdict): void {
    this.set(index, result.usable ? undefined : { reason: result.reason, detail: result.detail })
    if (!result.usable) this.#announce(index, result)
  }

  /** Records silently what needs no announcement. */
  set(index: number, skipped: Skipped | undefined): void {
    this.#status[index] = skipped === undefined ? usable : bad
    if (skipped === undefined) this.#usable++
    else this.#skipped.set(index, skipped)
  }

  /** Skipped images so far, in scan order. */
  skipped(): [index: number, skipped: Skipped][] {
    return [...this.#skipped].sort(([a], [b]) => a - b)
  }

  counts(): DatasetCounts {
    const byReason: DatasetCounts['byReason'] = {}
    for (const { reason } of this.#skipped.values()) byReason[reason] = (byReason[reason] ?? 0) + 1
    const [images, skipped] = [this.#status.length, this.#skipped.size]
    return { images, usable: this.#usable, skipped, unchecked: images - this.#usable - skipped, byReason }
  }

  /** Duplicates are left out: they follow from the manifest, not from a check. */
  export(fingerprint: string, rules: UsabilityRules): DatasetState {
    const bits = Buffer.alloc(Math.ceil(this.#status.length / 8))
    let end = 0
    for (let i = 0; i < this.#status.length; i++) {
      if (this.#status[i] === unknown || this.#skipped.get(i)?.reason === 'duplicate') continue
      end = (i >> 3) + 1
      bits[end - 1] = bits[end - 1] | (1 << (i & 7))
    }
    const skipped = this.skipped().flatMap(([index, { reason, detail }]) =>
      reason === 'duplicate' ? [] : [{ index, reason, detail }],
    )
    return { version: 1, fingerprint, ...rules, checked: bits.toString('base64', 0, end), skipped }
  }

  /** Takes over the verdicts of `state` for images of which nothing is known yet. */
  import(state: DatasetState, fingerprint: string, rules: UsabilityRules): void {
    if (!isState(state))
      throw new EvolmmError(
        'STATE_INVALID',
        'state: must be what `dataset.state` gave; leave it out to check anew',
      )
    if (state.fingerprint !== fingerprint)
      throw new EvolmmError(
        'STATE_MISMATCH',
        'root: must hold the same images by name as when the state was taken, got others; put back what was added, ' +
          'removed or renamed, or begin anew without the state',
        { details: { option: 'root', what: 'paths', state: state.fingerprint, dataset: fingerprint } },
      )
    for (const [what, theirs, ours] of [
      ['maxPixels', state.maxPixels, rules.maxPixels],
      ['acceptWrongExtension', state.acceptWrongExtension, rules.acceptWrongExtension],
    ] as const)
      if (theirs !== ours)
        throw new EvolmmError(
          'STATE_MISMATCH',
          `state: must come from the same ${what}, got ${theirs} instead of ${ours}; leave it out to check anew`,
          { details: { what, state: theirs, dataset: ours } },
        )
    const bits = Buffer.from(state.checked, 'base64')
    const skipped = new Map(state.skipped.map(({ index, reason, detail }) => [index, { reason, detail }]))
    for (let i = 0; i < this.#status.length; i++)
      if ((bits[i >> 3] >> (i & 7)) & 1 && !this.isKnown(i)) this.set(i, skipped.get(i))
  }
}

function isState(value: unknown): value is DatasetState {
  if (!isObject(value)) return false
  const { version, fingerprint, checked, skipped } = value
  return (
    version === 1 &&
    typeof fingerprint === 'string' &&
    typeof checked === 'string' &&
    Array.isArray(skipped) &&
    skipped.every(
      (each: unknown) =>
        isObject(each) &&
        Number.isSafeInteger(each.index) &&
        Number(each.index) >= 0 &&
        isCheckReason(each.reason) &&
        typeof each.detail === 'string',
    )
  )
}
