/** `evolmm eval --judge_url`: an endpoint on this machine that fails now and then. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeMathVista } from './support/charts'
import { completion, fakeLibrary } from './support/fake-library'
import { runCommand } from './support/run-command'

let folder: string
let server: Server
let statuses: number[]
let keys: (string | undefined)[]
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
  await writeMathVista(folder)
  statuses = []
  keys = []
  server = createServer((request, response) => {
    keys.push(request.headers.authorization)
    // The endpoint names the pause, so that nobody has to wait.
    response.writeHead(statuses.shift() ?? 200, { 'retry-after': '0' })
    response.end(JSON.stringify({ choices: [{ message: { content: '6' } }] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true })
})

function judged(...flags: string[]) {
  const { port } = server.address() as AddressInfo
  const argv = ['eval', '--model', 'm/n', '--tasks', 'mathvista_testmini_cot', '--data_dir', folder]
  const judge = ['--judge_url', `http://127.0.0.1:${port}/v1`, '--judge_model', 'grader']
  return runCommand([...argv, ...judge, '--output_path', join(folder, 'out'), '--json', ...flags], {
    library: fakeLibrary({ completions: [{ ...completion, text: 'There are 6.' }] }),
    environment: { OPENAI_API_KEY: 'secret' },
  })
}

const row = { judge: 'grader', metrics: { llm_as_judge_eval: 66.67 }, rows: 3, unscored: 0 }

test('failures that pass are tried again, replies are kept, and the judge is named with the score', async () => {
  statuses = [503, 429, 200, 500]
  const first = await judged()
  expect(first.code, first.stderr).toBe(0)
  expect(JSON.parse(first.stdout)).toMatchObject({ tasks: [row] })
  // Three rows ask the same; it is asked once, and the second run asks nothing.
  expect(keys).toEqual(['Bearer secret', 'Bearer secret', 'Bearer secret'])
  expect(JSON.parse((await judged()).stdout)).toMatchObject({ tasks: [row] })
  expect(keys).toHaveLength(3)
  expect(readFileSync(join(folder, 'out', 'judge-replies.jsonl'), 'utf8')).not.toContain('secret')
})

test('a judge that cannot be used ends the run with one line, and the same command scores what was answered', async () => {
  statuses = [401]
  const { code, stdout, stderr } = await judged('--batch_size', '3')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^evolmm: Judge grader: must reply at .*, got status 401; check .*\n$/m)
  expect(stderr).not.toContain('secret')
  const again = await judged('--batch_size', '3')
  expect(JSON.parse(again.stdout)).toMatchObject({ tasks: [row] })
  expect(again.calls.filter(([name]) => name === 'sample')).toEqual([])
})

test('a text that the judge refuses is unscored, and the score is null and no zero', async () => {
  statuses = [422]
  // Rows of one batch that ask the same share its refusal.
  const { code, stdout } = await judged('--batch_size', '1')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    tasks: [{ judge: 'grader', metrics: { llm_as_judge_eval: null }, unscored: 1 }],
  })
})
