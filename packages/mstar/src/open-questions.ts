/** The questions of a file by their numbers, read when they are asked for. */
import { labelledQuestion, openRows, shuffledOrder } from '@evolmm/dataset'
import type { NumberedQuestion } from './generate'

export interface Questions {
  readonly length: number
  /** A digest of the file. */
  readonly revision: string
  /** Some questions in ascending order of their numbers, one pass through the file. */
  some: (numbers: readonly number[]) => AsyncGenerator<NumberedQuestion, void, undefined>
  at: (number: number) => Promise<NumberedQuestion>
  close: () => Promise<void>
}

/** Throws what `openRows` throws; a row that is no question is refused with its place when it is read. */
export async function openQuestions(file: string): Promise<Questions> {
  const rows = await openRows({ file })
  async function* some(numbers: readonly number[]): AsyncGenerator<NumberedQuestion, void, undefined> {
    const wanted = [...numbers].sort((a, b) => a - b)
    for (let from = 0; from < wanted.length;) {
      // Numbers that follow one another are one stretch of the file.
      let to = from
      while (to + 1 < wanted.length && wanted[to + 1] === wanted[to] + 1) to++
      let number = wanted[from]
      for await (const row of rows.read(number, wanted[to] + 1)) {
        yield { number, ...labelledQuestion(row, { file, place: rows.placeOf(number) }) }
        number++
      }
      from = to + 1
    }
  }
  return {
    length: rows.length,
    revision: rows.revision,
    some,
    async at(number) {
      for await (const question of some([number])) return question
      throw new Error(`internal: ${file} has no question ${number}`)
    },
    close: () => rows.close(),
  }
}

/** The same questions as if nobody knew the answers. */
export function withoutAnswers(questions: Questions): Questions {
  return {
    ...questions,
    async *some(numbers) {
      for await (const question of questions.some(numbers)) yield { ...question, answers: null }
    },
    at: async (number) => ({ ...(await questions.at(number)), answers: null }),
  }
}

/** Questions of a cycle, where `interval` is a number of them, or a share of all. */
export function cycleLength(length: number, interval: number): number {
  return Math.min(length, interval < 1 ? Math.max(1, Math.round(interval * length)) : interval)
}

/**
 * The numbers of the questions of a cycle, counted from 1: an endless walk through all of them, in an order of its own for
 * each time around, cut into pieces of `interval`.
 */
export function questionsOfCycle(
  cycle: number,
  { length, interval, seed }: { length: number; interval: number; seed: number },
): number[] {
  const size = cycleLength(length, interval)
  const first = (cycle - 1) * size
  const orders = new Map<number, Uint32Array>()
  return Array.from({ length: size }, (_, i) => {
    const epoch = Math.floor((first + i) / length)
    const order = orders.get(epoch) ?? shuffledOrder({ length, seed, epoch })
    orders.set(epoch, order)
    return order[(first + i) % length]
  })
}
