/** Answers on which normalisers differ, with what each of the two must make of them. The README shows this table. */
import { INVALID, type Answer } from '@evolmm/rewards'

export const hardCases: readonly (readonly [answer: string, released: Answer, canonical: Answer])[] = [
  ['3', '3', '3'],
  ['3.0', '3.0', '3'],
  ['three', 'three', '3'],
  ['1/2', '1/2', '0.5'],
  ['.5', '5', '0.5'],
  ['-5', '5', '-5'],
  ['−5', '−5', '-5'],
  ['1,200', '1200', '1200'],
  ['1,2', '12', '1, 2'],
  ['1.2e3', '1.2e3', '1200'],
  ['3 × 10^{-2}', '3 × 10^{-2', '0.03'],
  ['5%', '5', '0.05'],
  ['5 percent', '5 percent', '0.05'],
  ['$1,200.50', '1200.50', '1200.5'],
  ['$1.2M', '1.2m', '1200000'],
  ['2.5 billion dollars', '2.5 billion dollars', '2500000000'],
  ['5 km', '5 km', '5'],
  ['\\frac{1}{3}', 'frac{1}{3', '1/3'],
  ['$2\\frac{1}{2}$', '2\\frac{1}{2', '2.5'],
  ['\\boxed{\\text{Red}}', 'boxed{\\text{red', 'red'],
  ['1½', '1½', '1.5'],
  ['１２', '１２', '12'],
  ['two and a half', 'two and a half', '2.5'],
  ['The Beatles', 'the beatles', 'beatles'],
  ['A', 'a', 'a'],
  ['(B)', 'b', 'b'],
  ['C++', 'c', 'c++'],
  ['12:30', '12:30', '12:30'],
  ['**“Paris.”**', '“paris.”', 'paris'],
  ['...', INVALID, INVALID],
]

/** The rows as the README has them. */
export function hardCaseTable(): string {
  const cell = (text: Answer) => (text === INVALID ? 'invalid' : `\`${text}\``)
  const rows = hardCases.map((row) => `| ${row.map(cell).join(' | ')} |`)
  return ['| answer | released | canonical |', '| --- | --- | --- |', ...rows].join('\n')
}
