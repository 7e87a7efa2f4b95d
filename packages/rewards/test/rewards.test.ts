import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  continuousProposerReward,
  continuousSolverReward,
  discreteProposerReward,
  discreteSolverReward,
  duplicateQuestionPenalty,
  formatReward,
  gate,
  INVALID,
  malformedQuestionPenalty,
  parseQuestion,
  product,
  weighted,
  type Answer,
  type ProposerSample,
  type Reward,
  type SolverSample,
} from '@evolmm/rewards'

const solver = (answer: Answer, words = 0, group?: string): SolverSample => ({
  answer,
  words,
  wellFormed: answer !== INVALID,
  ...(group === undefined ? {} : { group }),
})
const group = (...answers: Answer[]) => answers.map((answer) => solver(answer))
const proposer = (answers: Answer[], output = ''): ProposerSample => ({ ...parseQuestion(output), answers })

/** The published splits of five answers, with the proposer's reward for each (three decimals). */
const splits: [Answer[], number][] = [
  [['a', 'a', 'a', 'a', 'a'], 0.037],
  [['a', 'a', 'a', 'a', 'b'], 0.521],
  [['a', 'a', 'a', 'b', 'b'], 0.81],
  [['a', 'a', 'a', 'b', 'c'], 0.99],
  [['a', 'a', 'b', 'b', 'c'], 0.907],
  [['a', 'a', 'b', 'c', 'd'], 0.467],
  [['a', 'b', 'c', 'd', 'e'], 0.128],
]

describe('continuousSolverReward', () => {
  test.each([
    [1, 0.324],
    [2, 0.527],
    [3, 0.699],
    [4, 0.855],
    [5, 1],
  ])('%d of 5 in agreement earn %d', (count, expected) => {
    const others = ['b', 'c', 'd', 'e'].slice(0, 5 - count)
    const answers = [...Array<Answer>(count).fill('a'), ...others]
    expect(continuousSolverReward()(group(...answers))[0]).toBeCloseTo(expected, 3)
  })

  test.each([
    [0, 1],
    [6, 1],
    [9, 0.95],
    [12, 0.9],
    [100, 0.9],
  ])('%d words before the answer leave %d of it', (words, factor) => {
    expect(continuousSolverReward()([solver('a', words)])).toEqual([expect.closeTo(factor, 12)])
  })

  test('the paper does not clip the length factor', () => {
    expect(continuousSolverReward({ clipLength: false })([solver('a', 36)])[0]).toBeCloseTo(1 - 0.1 * 5, 12)
  })

  test('the target is at least one word', () => {
    expect(continuousSolverReward({ targetWords: 0 })([solver('a', 2)])[0]).toBeCloseTo(0.9, 12)
    expect(continuousSolverReward({ targetWords: 0 })([solver('a', 1)])[0]).toBe(1)
  })

  test('an invalid answer earns nothing and costs the others their share', () => {
    expect(continuousSolverReward({ gamma: 1 })(group('a', INVALID, INVALID, 'a', 'b'))).toEqual([
      0.4, 0, 0, 0.4, 0.2,
    ])
    expect(continuousSolverReward({ gamma: 0 })(group('a', INVALID))).toEqual([1, 0])
  })

  test('invalid answers agree with each other on request', () => {
    expect(
      continuousSolverReward({ gamma: 1, invalidVotes: true })(group(INVALID, INVALID, 'a', 'b')),
    ).toEqual([0.5, 0.5, 0.25, 0.25])
  })

  test('groups are scored apart, in the order of the batch', () => {
    const batch = [solver('a', 0, 'p'), solver('a', 0, 'q'), solver('a', 0, 'p'), solver('b', 0, 'q')]
    expect(continuousSolverReward({ gamma: 1 })(batch)).toEqual([1, 0.5, 1, 0.5])
  })

  test('an empty batch has no rewards', () => {
    expect(continuousSolverReward()([])).toEqual([])
  })

  test('unclipped, long outputs earn less than nothing', () => {
    expect(continuousSolverReward({ clipLength: false })([solver('a', 126)])[0]).toBeCloseTo(1 - 0.1 * 20, 12)
  })

  test('an empty answer is no answer', () => {
    expect(continuousSolverReward({ gamma: 1 })(group('', '', 'a'))).toEqual([
      0,
      0,
      expect.closeTo(1 / 3, 12),
    ])
  })

  test('options and samples are checked', () => {
    expect(() => continuousSolverReward()([solver('a', NaN)])).toThrow(
      'words: must be a finite number at least 0',
    )
    expect(() => continuousSolverReward({ gamma: -1 })).toThrow(
      'gamma: must be a finite number at least 0, got -1',
    )
    expect(() => continuousSolverReward({ lengthPenalty: 2 })).toThrow('lengthPenalty')
    expect(() => continuousSolverReward({ targetWords: NaN })).toThrow('targetWords')
  })
})

test('discreteSolverReward pays the majority, the first seen on a tie', () => {
  expect(discreteSolverReward()(group('b', 'a', 'a', INVALID))).toEqual([0, 1, 1, 0])
  expect(discreteSolverReward()(group('b', 'a'))).toEqual([1, 0])
  expect(discreteSolverReward()(group(INVALID, INVALID, 'a'))).toEqual([0, 0, 1])
  expect(discreteSolverReward()(group(INVALID, INVALID))).toEqual([0, 0])
  expect(discreteSolverReward({ invalidVotes: true })(group(INVALID, INVALID, 'a'))).toEqual([1, 1, 0])
})

test('formatReward gates another reward', () => {
  const samples = [solver('a'), { ...solver('a'), wellFormed: false }]
  expect(formatReward()(samples)).toEqual([1, 0])
  expect(product(continuousSolverReward(), formatReward())(samples)).toEqual([1, 0])
})

describe('proposer rewards', () => {
  test.each(splits)('continuous reward of %j is %d', (answers, expected) => {
    expect(continuousProposerReward()([proposer(answers)])[0]).toBeCloseTo(expected, 3)
  })

  test('the band as shares of ln N is the released one at N = 5 and moves with N', () => {
    const exact = continuousProposerReward({
      unit: 'share-of-ln-n',
      mu: 0.9 / Math.log(5),
      sigma: 0.35 / Math.log(5),
    })
    for (const [answers, expected] of splits) expect(exact([proposer(answers)])[0]).toBeCloseTo(expected, 3)
    const shares = continuousProposerReward({ unit: 'share-of-ln-n' })
    // N = 2: ln 2 for two different answers, so (1 - 0.559) / 0.217 standard deviations from the centre.
    const two = Math.exp(-(((1 - 0.559) / 0.217) ** 2) / 2)
    expect(shares([proposer(['a', 'b'])])[0]).toBeCloseTo(two, 12)
    expect(
      continuousProposerReward({ unit: 'share-of-ln-n', mu: 1, sigma: 0.1 })([proposer(['a', 'b', 'c'])])[0],
    ).toBeCloseTo(1, 12)
  })

  test('mu and sigma are options, and a band of no width pays nothing', () => {
    expect(continuousProposerReward({ mu: 0, sigma: 1 })([proposer(['a'])])).toEqual([1])
    expect(continuousProposerReward({ sigma: 0 })([proposer(['a', 'b'])])).toEqual([0])
    expect(continuousProposerReward({ sigma: -1 })([proposer(['a', 'b'])])).toEqual([0])
    expect(continuousProposerReward({ unit: 'share-of-ln-n' })([proposer(['a'])])).toEqual([0])
    expect(() => continuousProposerReward({ mu: Infinity })).toThrow('mu: must be a finite number')
    expect(() => continuousProposerReward({ unit: 'bits' as 'nats' })).toThrow(
      'unit: must be one of nats, share-of-ln-n',
    )
  })

  test('discrete reward is 1 within mu ± sigma', () => {
    // The entropies 0.673, 0.950 and 1.055 lie within 0.90 ± 0.35.
    expect(splits.flatMap(([answers]) => discreteProposerReward()([proposer(answers)]))).toEqual([
      0, 0, 1, 1, 1, 0, 0,
    ])
    expect(discreteProposerReward({ sigma: 0 })([proposer(['a', 'b'])])).toEqual([0])
    // Two answers have exactly ln 2, the edge of this band.
    expect(discreteProposerReward({ mu: 0, sigma: Math.LN2 })([proposer(['a', 'b'])])).toEqual([1])
  })

  test('a question that was never asked is skipped', () => {
    expect(continuousProposerReward()([proposer([])])).toEqual([null])
    expect(discreteProposerReward()([proposer([])])).toEqual([null])
  })

  test('malformed questions cost', () => {
    const good = proposer([], '<question>Which?</question><rationale>r</rationale>')
    // One fault is enough.
    const one = proposer([], '<question>Which?</question>')
    expect(one.faults).toHaveLength(1)
    expect(malformedQuestionPenalty()([good, one])).toEqual([0, -1])
    expect(malformedQuestionPenalty({ weight: 0.25 })([proposer([])])).toEqual([-0.25])
    expect(() => malformedQuestionPenalty({ weight: -1 })).toThrow('weight')
  })

  test('duplicate questions cost, but not the first', () => {
    const ask = (question: string | null, previousQuestions?: string[]) => ({
      question,
      ...(previousQuestions && { previousQuestions }),
    })
    const penalty = duplicateQuestionPenalty()
    const tall = 'How tall is the red bar?'
    expect(penalty([ask(tall), ask('how tall is the RED bar'), ask('How tall is the blue bar?')])).toEqual([
      0, -1, 0,
    ])
    expect(penalty([ask(tall, ['How wide?', tall])])).toEqual([-1])
    expect(penalty([ask('Is A above B?'), ask('Is B above A?')])).toEqual([0, 0])
    expect(penalty([ask(INVALID), ask(INVALID)])).toEqual([0, 0])
    // 7 pairs each, 5 in common: 5 / 9.
    expect(
      duplicateQuestionPenalty({ threshold: 5 / 9, weight: 2 })([
        ask(tall),
        ask('How tall is the blue bar?'),
      ]),
    ).toEqual([0, -2])
    // By default, 0.8: 16 pairs of 19 in common are a repetition, 15 of 19 are not.
    const long = 'What is the value of the tall red bar in March for the year of 2010'
    expect(penalty([ask(long), ask(`${long} now`)])).toEqual([0, -1])
    expect(penalty([ask(long), ask(long.replace('2010', '2011'))])).toEqual([0, 0])
    expect(duplicateQuestionPenalty({ threshold: 1 })([ask(long), ask(`${long} now`)])).toEqual([0, 0])
    expect(penalty([ask('Is x > 5?'), ask('Is x < 5?'), ask('Is x > -5?')])).toEqual([0, 0, 0])
    expect(penalty([ask('Ｈｏｗ tall?'), ask('How tall?')])).toEqual([0, -1])
    expect(() => duplicateQuestionPenalty({ threshold: 0 })).toThrow(
      'threshold: must be a finite number above 0 and at most 1',
    )
    expect(() => duplicateQuestionPenalty({ weight: -1 })).toThrow('weight')
  })
})

describe('combining', () => {
  const constant =
    (...scores: (number | null)[]): Reward<unknown> =>
    () =>
      scores

  test('weighted adds what is there and skips what nothing scores', () => {
    const combined = weighted([constant(1, null, null), 2], [constant(3, 4, null), -1])
    expect(combined([0, 0, 0])).toEqual([-1, -4, null])
    expect(() => weighted([constant(1), NaN])).toThrow('weight: must be a finite number')
  })

  test('product skips what any part skips', () => {
    expect(product(constant(2, 2, null), constant(3, null, 0))([0, 0, 0])).toEqual([6, null, null])
  })

  test('gate lets the reward see the whole batch', () => {
    const batch = [solver('a'), { ...solver('a'), wellFormed: false }, solver('b')]
    const agreement = continuousSolverReward({ gamma: 1 })
    const third = expect.closeTo(1 / 3, 12) as number
    expect(gate((sample: SolverSample) => sample.wellFormed, agreement)(batch)).toEqual([
      expect.closeTo(2 / 3, 12),
      0,
      third,
    ])
    expect(gate((sample: SolverSample) => sample.wellFormed, agreement, null)(batch)[1]).toBeNull()
  })

  test.each([
    [[1], '1 values for 2 samples'],
    [[1, NaN], 'NaN'],
    [[1, undefined as unknown as null], 'undefined'],
  ])('a reward that returns %j is named', (scores, got) => {
    const broken: Reward<unknown> = () => scores
    for (const combined of [weighted([broken, 1]), product(broken), gate(() => true, broken)]) {
      expect(() => combined([0, 0])).toThrow(
        expect.objectContaining({
          code: 'INVALID_REWARD',
          message: expect.stringContaining(
            `broken: must return one finite number or null for each sample, got ${got}`,
          ) as string,
        }),
      )
    }
    expect(() => product(() => [])([0])).toThrow('reward: must return')
  })

  test.each([
    [Promise.resolve([1, 2]), 'a promise'],
    [undefined, 'undefined'],
    [null, 'null'],
    ['12', 'string'],
  ])('a reward that returns no list but %o is named', (returned, got) => {
    const broken = (() => returned) as unknown as Reward<unknown>
    for (const combined of [weighted([broken, 1]), product(broken), gate(() => true, broken)])
      expect(() => combined([0, 0])).toThrow(
        expect.objectContaining({
          code: 'INVALID_REWARD',
          message: expect.stringContaining(`for each sample, got ${got}`) as string,
        }),
      )
  })

  test('what does not stay finite is named', () => {
    const huge = constant(1e308)
    expect(() => weighted([huge, 10])([0])).toThrow('weighted: must return one finite number')
    expect(() => product(huge, huge)([0])).toThrow('product: must return one finite number')
    expect(() => gate(() => true, huge, NaN)).toThrow('otherwise: must be a finite number')
  })

  test('types: a reward is a function over a batch', () => {
    expectTypeOf(continuousSolverReward()).toEqualTypeOf<
      (batch: readonly SolverSample[]) => (number | null)[]
    >()
    expectTypeOf(formatReward()).toExtend<Reward<SolverSample>>()
    expectTypeOf(product(continuousProposerReward(), malformedQuestionPenalty())).toEqualTypeOf<
      Reward<ProposerSample>
    >()
  })
})

describe('properties of the solver rewards', () => {
  const sample = fc.record({
    answer: fc.constantFrom<Answer>('a', 'b', 'c', INVALID),
    words: fc.nat({ max: 30 }),
    wellFormed: fc.boolean(),
  })
  const batch = fc.array(sample, { minLength: 1, maxLength: 8 })

  test('both lie in [0, 1]', () => {
    fc.assert(
      fc.property(batch, (samples) => {
        for (const reward of [...continuousSolverReward()(samples), ...discreteSolverReward()(samples)]) {
          expect(reward).toBeGreaterThanOrEqual(0)
          expect(reward).toBeLessThanOrEqual(1)
        }
      }),
      { seed: 7 },
    )
  })

  test('the continuous reward does not depend on the order', () => {
    const permuted = batch.chain((samples) =>
      fc.tuple(fc.constant(samples), fc.shuffledSubarray([...samples.keys()], { minLength: samples.length })),
    )
    fc.assert(
      fc.property(permuted, ([samples, order]) => {
        const reward = continuousSolverReward()
        const straight = reward(samples)
        expect(reward(order.map((index) => samples[index]))).toEqual(order.map((index) => straight[index]))
      }),
      { seed: 8 },
    )
  })

  test('more agreement never pays less, more words never pay more', () => {
    fc.assert(
      fc.property(batch, fc.nat({ max: 7 }), fc.nat({ max: 20 }), (samples, position, more) => {
        const index = position % samples.length
        const reward = continuousSolverReward()
        const first = { ...samples[0], answer: 'a' }
        const before = [first, ...samples.slice(1)]
        const joined = before.map((other, i) => (i === index ? { ...other, answer: 'a' } : other))
        expect(reward(joined)[0]).toBeGreaterThanOrEqual(reward(before)[0] ?? NaN)
        const longer = [{ ...first, words: first.words + more }, ...samples.slice(1)]
        expect(reward(longer)[0]).toBeLessThanOrEqual(reward(before)[0] ?? NaN)
      }),
      { seed: 9 },
    )
  })
})

test('the proposer reward is symmetric in the answers and bounded', () => {
  const answers = fc.array(fc.constantFrom<Answer>('a', 'b', 'c', INVALID), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(answers, (list) => {
      const reward = continuousProposerReward()
      const [straight] = reward([proposer(list)])
      expect(straight).toBeGreaterThan(0)
      expect(straight).toBeLessThanOrEqual(1)
      expect(reward([proposer(list.toReversed())])[0]).toBeCloseTo(straight ?? NaN, 12)
    }),
    { seed: 10 },
  )
})
