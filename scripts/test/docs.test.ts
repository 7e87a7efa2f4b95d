import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { allowed } from '../check-imports.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

test('every link between files of this repository leads somewhere', () => {
  const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  })
  const broken = pages
    .split('\n')
    .filter((page) => page !== '' && !page.startsWith('.changeset/') && existsSync(join(root, page)))
    .flatMap((page) =>
      [...read(page).matchAll(/\]\((?!\w+:|#)([^)#\s]+)[^)]*\)/g)]
        .filter(([, target]) => !existsSync(join(root, dirname(page), target)))
        .map(([, target]) => `${page}: ${target}`),
    )
  expect(broken).toEqual([])
})

test('every file that architecture, decisions and results name is there', () => {
  const pages = ['docs/architecture.md', 'docs/results.md', 'CONTRIBUTING.md'].concat(
    readdirSync(join(root, 'docs/decisions')).map((file) => `docs/decisions/${file}`),
  )
  const missing = pages.flatMap((page) =>
    [...read(page).matchAll(/`((?:packages|examples|scripts|docs)\/[\w./-]+)`/g)]
      .filter(([, path]) => !existsSync(join(root, path)))
      .map(([, path]) => `${page}: ${path}`),
  )
  expect(missing).toEqual([])
})

test('every decision is in the list of decisions, in its own words', () => {
  const list = read('docs/decisions/README.md')
  const missing = readdirSync(join(root, 'docs/decisions'))
    .filter((file) => file !== 'README.md')
    .filter((file) => !list.includes(`[${read(`docs/decisions/${file}`).split('\n')[0].slice(2)}](${file})`))
  expect(missing).toEqual([])
})

test('the table of packages in docs/architecture.md is the one that the import rules have', () => {
  const [, section] = read('docs/architecture.md').split(/^## /m)
  const rows = section.matchAll(/^\| `([\w-]+)` +\|[^|]*\| ([\w, -]+?) *\|$/gm)
  const table = Object.fromEntries(
    [...rows].map(([, name, imports]) => [name, imports === 'nothing' ? [] : imports.split(', ').sort()]),
  )
  expect(table).toEqual(
    Object.fromEntries(Object.entries(allowed).map(([name, imports]) => [name, [...imports].sort()])),
  )
})

test('the README names every package that is published', () => {
  const readme = read('README.md')
  const missing = Object.keys(allowed)
    .filter((name) => !(JSON.parse(read(`packages/${name}/package.json`)) as { private?: boolean }).private)
    .filter((name) => !readme.includes(`](packages/${name})`))
  expect(missing).toEqual([])
})
