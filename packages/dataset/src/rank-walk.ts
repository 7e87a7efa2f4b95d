/**
 * A rank's walk says which image is its `step`-th usable one.
 *
 * All ranks share one endless stream of positions p = 0, 1, 2, ...: position p holds image `order(e)[p - e * n]` of
 * epoch e = floor(p / n). Rank r of W visits p = r, r + W, r + 2W, ...; its k-th visit is position r + k W. Images
 * that are not usable are passed over. So the answer depends on nothing but the files, the options and `step`; all
 * that is kept between calls are shortcuts (where earlier searches have been).
 */
import { setImmediate } from 'node:timers/promises'
import { EvolmmError } from './errors'
import { shuffledOrder } from './shuffled-order'
import type { Verdicts } from './verdicts'

export interface WalkOptions {
  /** Images in the scan. */
  images: number
  seed: number
  reshuffle: boolean
  rank: number
  worldSize: number
}

/** `survivors` usable images were met on the visits before visit number `visit`. */
interface Mark {
  survivors: number
  visit: number
}

const start: Mark = { survivors: 0, visit: 0 }

/** Images checked at the same time: as many as Node's worker threads by default. */
const checksAtOnce = 4

export class RankWalk {
  readonly #options: WalkOptions
  readonly #verdicts: Verdicts
  /** Marks where searches have entered an epoch, in ascending order, and where the last one ended. */
  readonly #epochs: Mark[] = []
  #last = start
  #cached: { epoch: number; order: Uint32Array } | undefined
  #cycleSurvivors: number | undefined

  constructor(options: WalkOptions, verdicts: Verdicts) {
    this.#options = options
    this.#verdicts = verdicts
  }

  /** Image index and epoch of the rank's `step`-th usable image; checks the images before it that are unknown. */
  async find(step: number): Promise<{ index: number; epoch: number }> {
    let { survivors, visit } = this.#nearest(step)
    let inVain = 0
    for (;;) {
      if (this.#verdicts.allKnown) ({ survivors, visit } = this.#leap(step, survivors, visit))
      const { epoch, order, from } = this.#epochOf(visit)
      const end = this.#firstVisit(epoch + 1)
      if (visit === this.#firstVisit(epoch) && visit > (this.#epochs.at(-1) ?? start).visit)
        this.#epochs.push({ survivors, visit })
      for (; visit < end; visit++) {
        const index = order[this.#position(visit) - from]
        if (!this.#verdicts.isKnown(index))
          await this.#learn(order, from, visit, Math.min(end, visit + 1 + step - survivors))
        if (!this.#verdicts.isUsable(index)) {
          this.#refuseIfNoneLeft(++inVain)
        } else if (survivors === step) {
          this.#last = { survivors, visit }
          return { index, epoch }
        } else {
          survivors++
          inVain = 0
        }
      }
      await setImmediate()
    }
  }

  #position(visit: number): number {
    return this.#options.rank + visit * this.#options.worldSize
  }

  /** The rank's first visit in an epoch or, where the epoch has none for it, after that epoch's begin. */
  #firstVisit(epoch: number): number {
    const { images, rank, worldSize } = this.#options
    return Math.max(0, Math.ceil((epoch * images - rank) / worldSize))
  }

  #epochOf(visit: number): { epoch: number; order: Uint32Array; from: number } {
    const { images: length, seed, reshuffle } = this.#options
    const epoch = Math.floor(this.#position(visit) / length)
    const shuffled = reshuffle ? epoch : 0
    if (this.#cached?.epoch !== shuffled)
      this.#cached = { epoch: shuffled, order: shuffledOrder({ length, seed, epoch: shuffled }) }
    return { epoch, order: this.#cached.order, from: epoch * length }
  }

  /** The furthest place known to be at or before the wanted one. */
  #nearest(step: number): Mark {
    const before = this.#epochs.findLast(({ survivors }) => survivors <= step) ?? start
    return this.#last.survivors <= step && this.#last.visit > before.visit ? this.#last : before
  }

  /** Checks the first unknown images of visits `from` to `to`, all of which have to be looked at anyway. */
  async #learn(order: Uint32Array, offset: number, from: number, to: number): Promise<void> {
    const wanted = []
    for (let visit = from; visit < Math.min(to, from + checksAtOnce); visit++)
      wanted.push(order[this.#position(visit) - offset])
    await Promise.all(wanted.map((index) => this.#verdicts.learn(index)))
  }

  /**
   * Moves ahead by what can be counted instead of visited, once every image is known: all visits when none is bad,
   * whole cycles of a fixed order (it repeats itself after as many visits as there are images), whole epochs when one
   * rank sees all of each. Several ranks that reshuffle have to look at each epoch's order.
   */
  #leap(step: number, survivors: number, visit: number): Mark {
    const { images, reshuffle, worldSize } = this.#options
    const { badCount } = this.#verdicts
    if (badCount === 0) return { survivors: step, visit: visit + step - survivors }
    if (reshuffle && (worldSize > 1 || visit % images > 0)) return { survivors, visit }
    const perCycle = reshuffle ? images - badCount : this.#countCycle()
    if (perCycle === 0) throw this.#noUsableImage()
    const cycles = Math.floor((step - survivors) / perCycle)
    return { survivors: survivors + cycles * perCycle, visit: visit + cycles * images }
  }

  #countCycle(): number {
    if (this.#cycleSurvivors === undefined) {
      let count = 0
      const { order } = this.#epochOf(0)
      for (let visit = 0; visit < order.length; visit++)
        if (this.#verdicts.isUsable(order[this.#position(visit) % order.length])) count++
      this.#cycleSurvivors = count
    }
    return this.#cycleSurvivors
  }

  /** A rank sees all images in the long run, or in a fixed order those of as many visits as there are images. */
  #refuseIfNoneLeft(inVain: number): void {
    const { images, reshuffle } = this.#options
    if (this.#verdicts.badCount === images || (!reshuffle && inVain >= images)) throw this.#noUsableImage()
  }

  #noUsableImage(): EvolmmError {
    const { rank, worldSize } = this.#options
    const { images, byReason } = this.#verdicts.counts()
    const reasons = Object.entries(byReason).map(([reason, count]) => `${count} ${reason}`)
    return new EvolmmError(
      'NO_USABLE_IMAGE',
      `dataset: rank ${rank} of ${worldSize} must meet a usable image, got none (of ${images} images: ${reasons.join(', ')}); replace the images`,
      { details: { images, rank, worldSize, byReason } },
    )
  }
}
