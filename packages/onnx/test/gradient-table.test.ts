/** Every operator has a gradient rule with a numeric check and a row in docs/onnx.md, or a reason for having none. */
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { op } from '@evolmm/onnx'
import { families } from './cases/index'
import { gradientRules } from '../src/rules/index'
import { withoutGradient } from '../src/rules/without-gradient'
import { gradientTable, withoutRule } from './support/gradient-table'

const cases = Object.values(families).flatMap((operators) => Object.entries(operators))
const checked = new Set(cases.map(([opType]) => opType))
const differentiated = new Set([...gradientRules.keys(), ...Object.keys(withoutRule)])
const listed = withoutGradient.flatMap(({ operators }) => operators)

test('each operator with a rule has a case', () => {
  expect([...differentiated].filter((opType) => !checked.has(opType))).toEqual([])
})

test('each operator with a case has a rule, and its cases are in one file', () => {
  expect([...checked].filter((opType) => !differentiated.has(opType))).toEqual([])
  expect(cases.map(([opType]) => opType)).toHaveLength(checked.size)
})

test('each operator has either a rule or a reason to have none', () => {
  const operators = Object.keys(op).filter((name) => /^[A-Z]/.test(name))
  expect(operators.filter((name) => !differentiated.has(name) && !listed.includes(name))).toEqual([])
  expect(listed.filter((name) => differentiated.has(name) || !operators.includes(name))).toEqual([])
})

test('a weaker check says why', () => {
  for (const [opType, list] of cases) {
    for (const { name, dtype, tolerance, symbolic, reason } of list) {
      const weaker = dtype === 'float32' || tolerance !== undefined || symbolic !== undefined
      expect(reason !== undefined, `${opType}, ${name ?? 'unnamed'}: reason`).toBe(weaker)
      expect(tolerance !== undefined, `${opType}, ${name ?? 'unnamed'}: tolerance`).toBe(dtype === 'float32')
    }
  }
})

/** The table is compared, or written with UPDATE_TABLE=1. */
test('the guide has the table', () => {
  const file = new URL('../../../docs/onnx.md', import.meta.url)
  const [start, end] = ['<!-- gradients -->', '<!-- /gradients -->']
  const table = `${start}\n\n${gradientTable(families)}\n\n${end}`
  const known = readFileSync(file, 'utf8')
  const [from, to] = [known.indexOf(start), known.indexOf(end)]
  expect(from >= 0 && to > from, `docs/onnx.md has ${start} and ${end}`).toBe(true)
  if (process.env.UPDATE_TABLE === '1')
    writeFileSync(file, known.slice(0, from) + table + known.slice(to + end.length))
  else expect(known.slice(from, to + end.length)).toBe(table)
})
