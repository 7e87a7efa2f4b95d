import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { cacheChartqa, drawChart, writeChartParquet } from './support/charts'
import { completion, fakeLibrary } from './support/fake-library'
import { runCommand } from './support/run-command'
import { writeRun } from './support/run-folder'

const tiny = fileURLToPath(new URL('../../vlm/test/fixtures/qwen2_5_vl-tiny', import.meta.url))
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** Words of a line of shell, up to a pipe, without the name of the command. */
function words(line: string): string[] {
  const all = [...line.matchAll(/"[^"]*"|\S+/g)].map(([word]) => word.replaceAll('"', ''))
  return all.slice(1, all.includes('|') ? all.indexOf('|') : undefined)
}

const lines = [...readme.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
  block.split('\n').filter((line) => line.startsWith('evolmm ')),
)

const contents = (file: string) => {
  if (file === 'config.json') return JSON.stringify({ data_dir: '.' })
  return file.endsWith('.jsonl') ? '{"image": "a.png", "question": "How many?", "answer": 6}\n' : ''
}

test('the README shows every command', () => {
  expect(new Set(lines.map((line) => words(line)[0]))).toEqual(
    new Set([
      'doctor',
      'plan',
      'train',
      'infer',
      'generate',
      'score',
      'eval',
      'sft',
      'export',
      'report',
      'setup',
    ]),
  )
})

test.each(lines)('README: %s', async (line) => {
  const folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
  writeFileSync(join(folder, 'a.png'), '')
  const chart = await drawChart(0)
  await writeChartParquet(folder, [chart])
  mkdirSync(join(folder, 'charts'))
  writeFileSync(join(folder, 'charts', chart.name), chart.png)
  const argv = words(line).map((word) => {
    if (word === './warm' || word === 'charts') return join(folder, word)
    if (word.startsWith('runs/')) writeRun(join(folder, word))
    if (word.includes('.mjs#')) {
      const [file = '', name = ''] = word.split('#')
      writeFileSync(join(folder, file), `export const ${name} = (answers) => answers.map(() => 1)\n`)
      return join(folder, word)
    }
    if (!/\.(png|jsonl?)$|^(results|runs)\//.test(word)) return word
    if (!/^(results|runs)\//.test(word)) writeFileSync(join(folder, word), contents(word))
    return join(folder, word)
  })
  const library = fakeLibrary({ completions: [completion] })
  const hub = { HF_HOME: cacheChartqa(folder), HF_HUB_OFFLINE: '1' }
  const { code, stdout, stderr } = await runCommand(argv, {
    library,
    environment: { SOLVER_MODEL: tiny, ...hub },
  })
  rmSync(folder, { recursive: true })
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  if (!argv.includes('--json')) return
  // Its fields are those of the table.
  const row = readme.split('\n').findLast((text) => text.startsWith(`| \`${argv[0]}\``)) ?? ''
  for (const field of Object.keys(JSON.parse(stdout) as object)) expect(row).toContain(`\`${field}\``)
})
