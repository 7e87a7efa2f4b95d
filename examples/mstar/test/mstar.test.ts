/** The example of the README in a process of its own, with small numbers. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const home = mkdtempSync(join(tmpdir(), 'evolmm-mstar-'))
afterAll(() => {
  rmSync(home, { recursive: true })
})

test('the command runs the whole pipeline, and ends with a table and two pages', async () => {
  const [, name = ''] = /^```sh\npnpm (mstar:\w+)$/m.exec(read('examples/mstar/README.md')) ?? []
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const [, ...args] = scripts[name].split(' ')
  const steps = ['--warmup_steps=1', '--reward_steps=1', '--steps=1']
  const sizes = ['--charts=4', '--watched=1', '--held_out=1', `--output_dir=${home}`]
  const { stdout } = await promisify(execFile)(process.execPath, [...args, ...steps, ...sizes], { cwd: root })
  expect(stdout).toMatch(/^8 questions to learn from, 2 of the same kinds/)
  const [, table = ''] = /\nper cent( +\w+){4}\n(.*?)\n\n/s.exec(stdout)?.slice(1) ?? []
  const rows = table.split('\n').map((line) => /^(.+?)((?: +\d+\.\d){4})$/.exec(line)?.[1])
  expect(rows).toEqual(['start', 'warm-up', 'M-STaR'].flatMap((stage) => [stage, `${stage}, out of domain`]))
  const pages = [...stdout.matchAll(/\S+report\.html$/gm)].map(([page]) => page)
  expect(pages).toEqual(['reward/prm', 'cycles'].map((part) => join(home, 'seed-1', part, 'report.html')))
  expect(pages.every((page) => existsSync(page))).toBe(true)
})
