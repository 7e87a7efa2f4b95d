import { RuleTester } from 'eslint'
import tseslint from 'typescript-eslint'
import { test } from 'vitest'
import { noTextLookup } from '../no-text-lookup.mjs'

test('tables that texts are looked up in are Maps', () => {
  const tester = new RuleTester({
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: {
        projectService: { allowDefaultProject: ['*.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
  })
  const table = 'const table: Record<string, number> = { one: 1 }\n'
  const valid = [
    'export const read = (table: Map<string, number>, text: string) => table.get(text)',
    `${table}export const one = table['one']`,
    `${table}export const own = (table: Record<string, number>, text: string) => table[text]`,
    'const table = { one: 1, two: 2 }\nexport const read = (name: "one" | "two") => table[name]',
    'const list = [1]\nexport const read = (place: number) => list[place]',
    'export const has = (value: object) => "one" in value',
  ]
  const invalid = [
    [`${table}export const read = (text: string) => table[text]`, 'table'],
    [`${table}export const read = (text?: string) => table[text ?? '']`, 'table'],
    [`${table}export const write = (text: string) => { table[text] = 1 }`, 'table'],
    ['export const has = (text: string, value: object) => text in value', 'in'],
  ]
  const filename = `${import.meta.dirname}/sample.ts`
  tester.run('no-text-lookup', noTextLookup as never, {
    valid: valid.map((code) => ({ code, filename })),
    invalid: invalid.map(([code, messageId]) => ({ code, filename, errors: [{ messageId }] })),
  })
})
