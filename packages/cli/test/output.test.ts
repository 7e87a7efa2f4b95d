import { expect, test } from 'vitest'
import { formatBytes } from '@evolmm/internal'
import { fakeLibrary } from './support/fake-library'
import { runCommand } from './support/run-command'

const argv = ['generate', '--model', 'ORG/NAME', '--prompt', 'Which?']
const escape = '\u001b'

function downloading() {
  return fakeLibrary({
    onLoad: ({ hub, onWiden }) => {
      const file = 'model-00001-of-00002.safetensors'
      hub?.onProgress?.({ file, received: 1e9, size: 2e9, allReceived: 1e9, allSize: 4e9 })
      hub?.onProgress?.({ file, received: 2e9, size: 2e9, allReceived: 2e9, allSize: 4e9 })
      hub?.onWarning?.('hub: gave no answer;\nthe last one stands', 'HUB_CACHE_USED')
      hub?.onProgress?.({ file, received: 2e9, size: 2e9, allReceived: 4e9, allSize: 4e9 })
      onWiden?.({ file: '/cache/abc.safetensors', bytes: 8e9 })
    },
  })
}

test('progress and warnings go to standard error, in whole lines when nobody watches', async () => {
  const { stdout, stderr } = await runCommand(argv, { library: downloading() })
  expect(stdout).toBe('The red bar.\n')
  expect(stderr.split('\n')).toEqual([
    'downloading 3.0 GB of 4.0 GB',
    'warning: hub: gave no answer; the last one stands',
    'writing the weights as float32, once: 8.0 GB to /cache/abc.safetensors',
    '',
  ])
})

test('warnings of the model are shown, as those of an adapter whose targets match nothing', async () => {
  const library = fakeLibrary({
    onLoad: ({ onWarning }) =>
      onWarning?.(
        'targets: "mm_projector" matches nothing in the model;\nit is left out',
        'TARGET_UNMATCHED',
      ),
  })
  const { code, stderr } = await runCommand(argv, { library })
  expect(code).toBe(0)
  expect(stderr).toBe('warning: targets: "mm_projector" matches nothing in the model; it is left out\n')
})

test('on a terminal one line is written over, fits, and is gone before the answer', async () => {
  const { stderr } = await runCommand(argv, {
    library: downloading(),
    terminal: true,
    environment: { NO_COLOR: '1' },
  })
  const clear = `\r${escape}[K`
  expect(
    stderr.startsWith(`\rdownloading  25 % of 4.0 GB, model-00001-of-00002.safetensors${escape}[K`),
  ).toBe(true)
  expect(stderr).toContain(`${clear}warning: hub: gave no answer; the last one stands\n`)
  expect(stderr.endsWith(clear)).toBe(true)
  for (const line of stderr.split(/[\r\n]/))
    expect(line.replaceAll(`${escape}[K`, '').length).toBeLessThan(80)
})

test('the download of an adapter is shown and cleared alike', async () => {
  const library = fakeLibrary({
    onLoadAdapter: ({ hub }) => {
      hub?.onProgress?.({
        file: 'adapter_model.safetensors',
        received: 1,
        size: 2,
        allReceived: 1,
        allSize: 2,
      })
    },
  })
  const { stderr } = await runCommand([...argv, '--adapter', 'ORG/LORA'], { library, terminal: true })
  expect(stderr).toContain('adapter_model.safetensors')
  expect(stderr.endsWith(`\r${escape}[K`)).toBe(true)
})

test('colours are for terminals, and NO_COLOR is obeyed', async () => {
  const commands = [
    ['--help'],
    ['generate', '--help'],
    ['doctor'],
    ['zzz'],
    ['score', ...argv.slice(1), '--completion', 'R'],
  ]
  for (const command of commands) {
    const painted = await runCommand(command, { terminal: true })
    expect(painted.stdout + painted.stderr).toContain(escape)
    for (const options of [{}, { terminal: true, environment: { NO_COLOR: '1' } }]) {
      const plain = await runCommand(command, options)
      expect(plain.stdout + plain.stderr).not.toContain(escape)
    }
  }
})

test('help goes to standard output, in groups, with defaults and two examples', async () => {
  const { code, stdout, stderr } = await runCommand(['generate', '--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const heading of ['Model:', 'Prompt:', 'Adapter:', 'Sampling:', 'Output:', 'Examples:'])
    expect(stdout).toContain(`\n${heading}\n`)
  expect(stdout).toMatch(/--max_new_tokens <n> .*\(default: 128\)/)
  expect(stdout.match(/^ {2}\$ evolmm /gm)).toHaveLength(2)
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
})

test('no arguments, --help and help say the same; --version says the version', async () => {
  const { code, stdout } = await runCommand([])
  expect(code).toBe(0)
  for (const command of ['generate', 'score', 'export', 'report', 'doctor', 'setup'])
    expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'))
  expect((await runCommand(['--help'])).stdout).toBe(stdout)
  expect((await runCommand(['help'])).stdout).toBe(stdout)
  expect((await runCommand(['help', 'score'])).stdout).toBe((await runCommand(['score', '-h'])).stdout)
  expect(await runCommand(['--version'])).toMatchObject({ code: 0, stdout: '1.2.3\n' })
})

test('sizes read well at every scale', () => {
  expect([0, 999, 1000, 99_949, 99_951, 999_499, 999_500, 16.6e9, 5e15].map(formatBytes)).toEqual([
    ...['0 B', '999 B', '1.0 kB', '99.9 kB', '100 kB', '999 kB', '1.0 MB', '16.6 GB', '5000 TB'],
  ])
})
