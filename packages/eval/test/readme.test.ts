import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { readmeExamplesLeft, runReadmeExample } from '@evolmm/internal/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import { tasks } from '../src'

const folder = new URL('..', import.meta.url)
const guide = '../../docs/eval.md'

test('the README example prints what it says', async () => {
  const { printed, promised } = await runReadmeExample(folder)
  expect(printed.length).toBeGreaterThan(0)
  expect(printed).toEqual(promised)
})

interface ChatRequest {
  messages: {
    role: string
    content: string | { type: string; image_url?: { url: string }; text?: string }[]
  }[]
  n: number
  temperature: number
  max_tokens: number
}

test('the example of a model behind an address asks a server', async () => {
  const requests: ChatRequest[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const asked = JSON.parse(body) as ChatRequest
      requests.push(asked)
      // It counts five bars where it is shown an image, and none otherwise.
      const content = body.includes('image_url') ? '5' : '0'
      response.end(JSON.stringify({ choices: Array(asked.n).fill({ message: { content } }) }))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  vi.stubEnv('OPENAI_BASE_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => void vi.unstubAllEnvs())
  const { printed, promised } = await runReadmeExample(folder, 0, guide)
  expect(printed.length).toBeGreaterThan(0)
  expect(printed).toEqual(promised)
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw==' } }
  const question = { type: 'text', text: 'How many bars?' }
  const content = [[image, question], [image, question], [question]]
  expect(requests.map(({ messages }) => messages[1])).toEqual(
    content.map((parts) => ({ role: 'user', content: parts })),
  )
  // Greedy, drawn, blind.
  expect(requests.map(({ n, temperature, max_tokens }) => [n, temperature, max_tokens])).toEqual([
    [1, 0, 128],
    [2, 1, 128],
    [1, 0, 128],
  ])
})

test('the README names every task', () => {
  const readme = readFileSync(new URL('README.md', folder), 'utf8')
  // Variants of one task by their endings.
  for (const { name } of tasks)
    expect(readme).toMatch(
      new RegExp(`\`${name}\`|\`${name.replace(/_(?=[a-z]+$).*/, '')}\`.*\`_${name.replace(/.*_/, '')}\``),
    )
})

test('no example of README and guide is left out', () => {
  expect(readmeExamplesLeft(folder)).toEqual([])
  expect(readmeExamplesLeft(folder, guide)).toEqual([])
})
