/** The real install script of onnxruntime-node against a package feed on this machine, in a copy of its package. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { installer } from '../src/installer'
import { runCommand } from './support/run-command'

const here = process.platform === 'linux' && process.arch === 'x64'
const titled = (title: string) =>
  here ? title : `${title}, skipped: the installer has libraries for Linux x64 alone`
const it = test.skipIf(!here)

const names = ['cuda', 'shared', 'tensorrt'].map((part) => `libonnxruntime_providers_${part}.so`)
const inPackage = (name: string) => `runtimes/linux-x64/native/${name}`

let server: Server
let respond: (answer: ServerResponse, path: string) => void
let runtime: string
beforeAll(async () => {
  server = createServer((request, answer) => {
    respond(answer, request.url ?? '')
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
})
afterAll(() => {
  server.close()
})
beforeEach(() => {
  const library = createRequire(import.meta.url).resolve('@evolmm/vlm/package.json')
  const real = dirname(createRequire(library).resolve('onnxruntime-node/package.json'))
  runtime = join(mkdtempSync(join(tmpdir(), 'evolmm-setup-')), 'onnxruntime-node')
  cpSync(join(real, 'script'), join(runtime, 'script'), { recursive: true })
  mkdirSync(join(runtime, 'bin/napi-v6/linux/x64'), { recursive: true })
  symlinkSync(dirname(real), join(runtime, '../node_modules'))
})
afterEach(() => {
  rmSync(dirname(runtime), { recursive: true })
})

const libraries = () => names.map((name) => join(runtime, 'bin/napi-v6/linux/x64', name))

/** Answers as the feed does; `send` what is asked of the package itself. */
function feed(send: (answer: ServerResponse) => void): typeof respond {
  return (answer, path) => {
    const { port } = server.address() as AddressInfo
    const json = (value: unknown) => {
      answer.setHeader('content-type', 'application/json')
      answer.end(JSON.stringify(value))
    }
    if (path === '/v3/index.json')
      json({ resources: [{ '@type': 'PackageBaseAddress/3.0.0', '@id': `http://127.0.0.1:${port}/flat/` }] })
    else if (path.endsWith('/index.json')) json({ versions: ['1.30.0'] })
    else send(answer)
  }
}

function setup(environment: Record<string, string> = {}) {
  const { port } = server.address() as AddressInfo
  const preload = fileURLToPath(new URL('support/local-feed.cjs', import.meta.url))
  const more = {
    NODE_OPTIONS: `--require ${preload}`,
    LOCAL_FEED: `http://127.0.0.1:${port}`,
    ...environment,
  }
  return runCommand(['setup', 'cuda'], {
    installer: {
      ...installer,
      script: () => join(runtime, 'script/install.js'),
      run: (script, given) => installer.run(script, { ...given, ...more }),
    },
  })
}

it(titled('what the feed has comes to lie where the runtime looks for it'), async () => {
  respond = feed((answer) => answer.end(zip(names.map((name) => [inPackage(name), `library ${name}`]))))
  const { code, stdout, stderr } = await setup()
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain(join(runtime, 'bin'))
  expect(libraries().map((file) => readFileSync(file, 'utf8'))).toEqual(
    names.map((name) => `library ${name}`),
  )
})

const whole = () => zip(names.map((name) => [inPackage(name), `library ${name}`]))
const damaged = () => {
  const bytes = whole()
  bytes[bytes.indexOf('library')] ^= 1
  return bytes
}

const faults: [string, typeof respond, Record<string, string>, RegExp][] = [
  ['a damaged package', feed((answer) => answer.end(damaged())), {}, /reach the package feed.*got ".*CRC32/],
  [
    'a package that is none',
    feed((answer) => answer.end('<html>')),
    {},
    /got ".*Failed to open NuGet package/,
  ],
  [
    'a package without the libraries',
    feed((answer) => answer.end(zip([['x', 'y']]))),
    {},
    /Failed to find runtimes/,
  ],
  [
    'a connection that breaks',
    feed((answer) => {
      answer.writeHead(200, { 'content-length': 1_000_000 })
      answer.write('PK')
      setTimeout(() => answer.destroy(), 50)
    }),
    {},
    /got no .*libonnxruntime_providers_shared\.so after it ended; run it where there is a network/,
  ],
  ['a feed that is down', (answer) => answer.writeHead(503).end(), {}, /HTTP status code = 503/],
  ['a gateway that answers', (answer) => answer.end('<html>log in</html>'), {}, /unexpected content type/],
  [
    'a full disk',
    feed((answer) => answer.end(whole())),
    { FULL_DISK: '1' },
    /must be able to write below .*ENOSPC.*; free some space/,
  ],
]

it.each(faults)(
  titled('%s is one line, exit code 2, and no library that is cut off'),
  async (_, answer, more, message) => {
    respond = answer
    const { code, stdout, stderr } = await setup(more)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^evolmm: setup cuda: [^\n]*\n$/)
    expect(stderr).toMatch(message)
    expect(libraries().filter((file) => existsSync(file))).toEqual([])
  },
)

it(titled('a failure leaves libraries that were there before'), async () => {
  for (const file of libraries()) writeFileSync(file, 'from last time')
  await new Promise((later) => setTimeout(later, 20))
  respond = (answer) => answer.writeHead(503).end()
  expect((await setup()).code).toBe(2)
  expect(libraries().map((file) => readFileSync(file, 'utf8'))).toEqual(names.map(() => 'from last time'))
})

/** A ZIP archive of files that are stored as they are. */
function zip(files: [name: string, text: string][]): Buffer {
  const parts: Buffer[] = []
  const entries: Buffer[] = []
  let offset = 0
  for (const [name, text] of files) {
    const [label, data] = [Buffer.from(name), Buffer.from(text)]
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(label.length, 22)
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, label, data])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    entries.push(Buffer.concat([Buffer.from('PK\u0001\u0002\u0014\u0000'), common, rest, label]))
    parts.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(entries)
  const end = Buffer.alloc(22)
  end.write('PK\u0005\u0006')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, directory, end])
}
