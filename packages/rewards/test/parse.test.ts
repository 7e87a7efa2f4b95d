import { sizedTest } from '@evolmm/internal/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  extractTag,
  INVALID,
  parseAnswer,
  parseQuestion,
  solverSample,
  wordsBeforeAnswer,
} from '@evolmm/rewards'

describe('extractTag', () => {
  test.each([
    ['a <answer> 5 </answer> b', '5'],
    ['<answer>1</answer><answer>2</answer>', '1'],
    ['<answer>a<answer>b</answer>', 'a<answer>b'],
    ['</answer><answer>x</answer>', 'x'],
    ['<answer></answer>', ''],
    ['<Answer>5</Answer>', undefined],
    ['<answer>5', undefined],
    ['5</answer>', undefined],
    ['</answer>5<answer>', undefined],
  ])('%j', (text, expected) => {
    expect(extractTag(text, 'answer')).toBe(expected)
  })
})

describe('parseAnswer', () => {
  test.each([
    ['Three bars.\n<answer>3</answer>', '3', true],
    ['<answer>3</answer> <answer>4</answer>', '3', false],
    ['<answer>3</answer></answer>', '3', false],
    ['one line', INVALID, false],
    ['<answer>  </answer>', INVALID, false],
    ['so it is <answer>4', INVALID, false],
    ['x</answer>', INVALID, false],
    ['<Answer>5</Answer>', INVALID, false],
    ['<answer>a<answer>b</answer>', INVALID, false],
    ['', INVALID, false],
    [' \n \t', INVALID, false],
  ])('%j', (output, answer, wellFormed) => {
    expect(parseAnswer(output)).toEqual({ answer, wellFormed })
  })

  test.each([
    ['thinking\n\n  42 \n\n', '42', false],
    ['one line', 'one line', false],
    ['windows\r\n7\r\n', '7', false],
    ['so it is <answer>4', INVALID, false],
    [' \n \t', INVALID, false],
    ['Three.\n<answer>3</answer>', '3', true],
  ])('the last line may count where there is no tag, as released: %j', (output, answer, wellFormed) => {
    expect(parseAnswer(output, { untagged: 'last-line' })).toEqual({ answer, wellFormed })
  })

  test('nothing else may become of an output without a tag', () => {
    expect(() => parseAnswer('42', { untagged: 'first-line' as 'invalid' })).toThrow(
      'untagged: must be one of invalid, last-line',
    )
  })

  test('the text "unknown" is an answer like any other', () => {
    expect(parseAnswer('<answer>unknown</answer>').answer).toBe('unknown')
  })
})

describe('parseQuestion', () => {
  const good = '<question>How tall\n is the red bar?</question>\n<rationale>Needs the axis.</rationale>'

  test('a well-formed output has no faults and becomes one line', () => {
    expect(parseQuestion(good)).toEqual({
      question: 'How tall is the red bar?',
      rationale: 'Needs the axis.',
      faults: [],
    })
  })

  test.each([
    ['', INVALID, ['empty', 'missing-question-tag', 'missing-rationale']],
    ['<question> \n</question><rationale>r</rationale>', INVALID, ['empty']],
    ['Which bar\nis red?', 'Which bar is red?', ['missing-question-tag', 'missing-rationale']],
    ['<question>q?</question>', 'q?', ['missing-rationale']],
    ['<question>q?</question><rationale> </rationale>', 'q?', ['missing-rationale']],
    ['<question>???</question><rationale>r</rationale>', '???', ['empty']],
    [
      '<rationale>r</rationale> Which?',
      '<rationale>r</rationale> Which?',
      ['missing-question-tag', 'markup'],
    ],
    [`${good}<question>b</question>`, 'How tall is the red bar?', ['repeated-tag']],
    [`${good}<rationale>b</rationale>`, 'How tall is the red bar?', ['repeated-tag']],
    [`Sure! ${good}`, 'How tall is the red bar?', ['text-outside-tags']],
    ['<question>a <answer>5</answer></question><rationale>r</rationale>', 'a <answer>5</answer>', ['markup']],
    ['<question>cut', '<question>cut', ['missing-question-tag', 'missing-rationale', 'markup']],
  ])('%j', (output, question, faults) => {
    expect(parseQuestion(output)).toMatchObject({ question, faults })
  })

  test('the longest question is a matter of option', () => {
    const words = (n: number) => `<question>${'w '.repeat(n)}</question><rationale>r</rationale>`
    expect(parseQuestion(words(60)).faults).toEqual([])
    expect(parseQuestion(words(61)).faults).toEqual(['too-long'])
    expect(parseQuestion(words(4), { maxWords: 3 }).faults).toEqual(['too-long'])
    expect(() => parseQuestion('', { maxWords: 0 })).toThrow('maxWords: must be an integer at least 1, got 0')
  })
})

test.each([
  ['one two <answer>3</answer>', 2],
  ['<answer>3</answer>', 0],
  ['one two three', 3],
  ['a b <ANSWER>3', 2],
  ['a\n\n\tb  c <answer>x</answer> d e <answer>', 3],
  ['', 0],
])('wordsBeforeAnswer %j', (output, words) => {
  expect(wordsBeforeAnswer(output)).toBe(words)
})

test('solverSample parses, counts and normalises', () => {
  const output = 'I read three. <answer>3.0</answer>'
  expect(solverSample(output)).toEqual({ answer: '3', words: 3, wellFormed: true })
  expect(solverSample(output, { group: 'q1', normalize: (answer) => answer })).toEqual({
    answer: '3.0',
    words: 3,
    wellFormed: true,
    group: 'q1',
  })
  expect(solverSample('5').answer).toBe(INVALID)
  expect(solverSample('5', { untagged: 'last-line' }).answer).toBe('5')
})

sizedTest('no text makes the parsers throw', { outputs: [500, 2000, 50_000] }, ({ count, seed }) => {
  const pieces = fc.constantFrom(
    '<answer>',
    '</answer>',
    '<question>',
    '</question>',
    '<rationale>',
    '</rationale>',
    '\n',
  )
  const outputs = fc.array(fc.oneof(pieces, fc.string({ unit: 'binary' })), { maxLength: 12 })
  fc.assert(
    fc.property(outputs, (parts) => {
      const output = parts.join('')
      const { answer, wellFormed } = parseAnswer(output)
      expect(answer).not.toBe('')
      if (wellFormed) expect(extractTag(output, 'answer')).toBe(answer)
      expect(parseQuestion(output).question).not.toBe('')
      expect(wordsBeforeAnswer(output)).toBeGreaterThanOrEqual(0)
    }),
    { seed, numRuns: count },
  )
})

test.each([undefined, 5, {}, Promise.resolve('a')])('a normaliser that returns %o is named', (returned) => {
  const normalize = () => returned as unknown as string
  expect(() => solverSample('<answer>5</answer>', { normalize })).toThrow(
    expect.objectContaining({
      code: 'INVALID_ANSWER',
      message: expect.stringContaining('normalize: what it returns: must be a text or null') as string,
    }),
  )
})
