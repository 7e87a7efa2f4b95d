import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Completion } from '@evolmm/vlm'
import { adapter, encodedImage, fakeLibrary } from './support/fake-library'
import { given, runCommand } from './support/run-command'

let folder: string
let images: string[]
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'evolmm-cli-'))
  images = ['a_b-c.png', 'd.png', 'e.png'].map((name) => join(folder, name))
  for (const image of images) writeFileSync(image, '')
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const required = ['generate', '--model', 'tiny', '--prompt', 'Which?']
const completions: Completion[] = [
  {
    ids: Int32Array.of(82, 9),
    text: 'R',
    logProbabilities: Float32Array.of(-0.5, -0.25),
    sampledLogProbabilities: Float32Array.of(9),
    finishReason: 'stop',
  },
  {
    ids: Int32Array.of(71),
    text: 'G\n',
    logProbabilities: Float32Array.of(-2),
    sampledLogProbabilities: Float32Array.of(9),
    finishReason: 'length',
  },
]

test('--json writes one line with ids, text, log-probabilities and finish reason of each sample', async () => {
  const library = fakeLibrary({ completions })
  const { code, stdout, stderr, calls } = await runCommand([...required, '--json'], { library })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe(
    '{"samples":[{"ids":[82,9],"text":"R","logprobs":[-0.5,-0.25],"finish_reason":"stop"},' +
      '{"ids":[71],"text":"G\\n","logprobs":[-2],"finish_reason":"length"}]}\n',
  )
  expect(calls.map(([name]) => name)).toEqual(['loadVlm', 'prompt', 'sample', 'dispose'])
})

test('every flag reaches the model', async () => {
  const [a = '', b = '', c = ''] = images
  const { code, calls } = await runCommand([
    ...required,
    ...[
      '--image',
      a,
      b,
      `--image=${c}`,
      a,
      '--system',
      'Be brief.',
      '--min_pixels',
      '3136',
      '--max_pixels',
      '1e6',
    ],
    ...[
      '--revision',
      'v1',
      '--device',
      'cpu',
      '--dtype',
      'float32',
      '--threads',
      '2',
      '--cache_dir',
      'cache',
    ],
    ...['--adapter', 'lora', '--adapter_subfolder', 'solver', '--temperature', '.5', '--top_p', '0.9'],
    ...['--top_k', '40', '--max_new_tokens', '24', '--samples', '2', '--seed', '7', '--json'],
  ])
  expect(code).toBe(0)
  expect(given(calls, 'loadVlm')).toMatchObject([
    'tiny',
    {
      device: 'cpu',
      dtype: 'float32',
      threads: 2,
      cacheDir: 'cache',
      imageOptions: { minPixels: 3136, maxPixels: 1e6 },
      hub: { revision: 'v1' },
    },
  ])
  expect(calls.filter(([name]) => name === 'encodeImage').map(([, file]) => file)).toEqual([a, b, c, a])
  expect(given(calls, 'prompt')).toEqual([
    { images: Array(4).fill(encodedImage), prompt: 'Which?', system: 'Be brief.' },
  ])
  expect(given(calls, 'loadAdapter')).toMatchObject(['lora', { adapterName: 'solver' }])
  expect(given(calls, 'sample')).toMatchObject([
    {
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      maxNewTokens: 24,
      samples: 2,
      seeds: [7],
      adapter,
    },
  ])
})

test('what is not given is plain sampling: 128 tokens, temperature 1, nothing cut off, seed 0', async () => {
  const { calls } = await runCommand(required)
  expect(given(calls, 'stream')).toMatchObject([
    { temperature: 1, topP: 1, topK: 0, maxNewTokens: 128, seed: 0, adapter: undefined },
  ])
})

test('one answer for people is streamed, with a newline at its end and nothing else', async () => {
  const { code, stdout, stderr } = await runCommand(required)
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'The red bar.\n', stderr: '' })
  const ended = await runCommand(required, { library: fakeLibrary({ pieces: ['12', '\n', ''] }) })
  expect(ended.stdout).toBe('12\n')
})

test('several answers for people are numbered', async () => {
  const { stdout } = await runCommand([...required, '--samples', '2'], {
    library: fakeLibrary({ completions }),
  })
  expect(stdout).toBe('1 of 2 (2 tokens)\nR\n\n2 of 2 (1 token, cut off)\nG\n')
})

test('Ctrl-C while text is streamed ends it with a newline and exit code 130, and closes the model', async () => {
  let interrupt = (): void => undefined
  let undone = 0
  const { code, stdout, stderr, calls } = await runCommand(required, {
    library: fakeLibrary({
      pieces: ['one', ' two', ' three'],
      beforePiece: (piece) => {
        if (piece === ' two') interrupt()
      },
    }),
    onInterrupt: (handler) => {
      interrupt = handler
      return () => undone++
    },
  })
  expect({ code, stdout, stderr, undone }).toEqual({ code: 130, stdout: 'one\n', stderr: '', undone: 1 })
  expect(calls.at(-1)).toEqual(['dispose'])
})

test('an error in the middle of a text begins on a line of its own and closes the model', async () => {
  const library = fakeLibrary()
  const broken = {
    ...library,
    loadVlm: async (...[name, options]: Parameters<typeof library.loadVlm>) => ({
      ...(await library.loadVlm(name, options)),
      // eslint-disable-next-line @typescript-eslint/require-await -- a stream, though nothing in it waits
      async *stream() {
        yield 'half'
        throw new Error('gone')
      },
    }),
  }
  const { code, stdout, stderr, calls } = await runCommand(required, { library: broken })
  expect({ code, stdout }).toEqual({ code: 1, stdout: 'half\n' })
  expect(stderr).toContain('unexpected error: gone;')
  expect(calls.at(-1)).toEqual(['dispose'])
})

test('control characters of a model do not reach a terminal, and reach a file', async () => {
  const pieces = ['a\u001b[2Jb\u0085', '\tc\n']
  const terminal = await runCommand(required, { library: fakeLibrary({ pieces }), terminal: true })
  expect(terminal.stdout).toBe('a\ufffd[2Jb\ufffd\tc\n')
  const file = await runCommand(required, { library: fakeLibrary({ pieces }) })
  expect(file.stdout).toBe(pieces.join(''))
})
