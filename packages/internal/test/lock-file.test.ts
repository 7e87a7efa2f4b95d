import { mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { lockFile } from '../src/node'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'evolmm-lock-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** No process has this number. */
const gone = 4194305

test('one at a time, and free again afterwards', async () => {
  const path = join(folder, 'one')
  const unlock = await lockFile(path)
  await expect(lockFile(path)).rejects.toMatchObject({ code: 'OUTPUT_IN_USE' })
  await unlock()
  await (
    await lockFile(path)
  )()
})

test.each([
  ['a process that lives', `${process.ppid} ${hostname()}`],
  ['a process elsewhere', `${gone} another-host`],
])('of %s: refused', async (_, content) => {
  const path = join(folder, 'living')
  await writeFile(path, content)
  await expect(lockFile(path)).rejects.toMatchObject({ code: 'OUTPUT_IN_USE' })
  expect(await readFile(path, 'utf8')).toBe(content)
  await rm(path)
})

test.each([
  ['a process that is gone', `${gone} ${hostname()}`],
  ['an earlier process of the same number', `${process.pid} ${hostname()}`],
  ['nobody, being empty', ''],
])('of %s: taken over', async (_, content) => {
  const path = join(folder, 'left')
  await writeFile(path, content)
  const unlock = await lockFile(path)
  await unlock()
})

test('a file that another process has made and not written yet is not taken from it', async () => {
  const path = join(folder, 'empty')
  await writeFile(path, '')
  const attempt = expect(lockFile(path)).rejects.toMatchObject({ code: 'OUTPUT_IN_USE' })
  await writeFile(path, `${process.ppid} ${hostname()}`)
  await attempt
})

test('a folder that is not there is the error of the system', async () => {
  await expect(lockFile(join(folder, 'no', 'lock'))).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(lockFile(join(folder, 'no', 'lock'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('whoever waits gets the lock when the other one gives it back, in this process too', async () => {
  const path = join(folder, 'waited')
  const unlock = await lockFile(path, {})
  const order: string[] = []
  const second = lockFile(path, { sleep: () => Promise.resolve(order.push('wait')) }).then((free) => {
    order.push('taken')
    return free
  })
  await vi.waitFor(() => {
    expect(order).toContain('wait')
  })
  expect(order).not.toContain('taken')
  await unlock()
  await (
    await second
  )()
})

test('an abort ends the wait with its reason', async () => {
  const path = join(folder, 'aborted')
  await writeFile(path, `${process.ppid} ${hostname()}`)
  const stop = new AbortController()
  const waiting = lockFile(path, { signal: stop.signal })
  stop.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await rm(path)
})

test('a lock that is waited for gives signs of life while it is held', async () => {
  const path = join(folder, 'alive')
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const unlock = await lockFile(path, {})
    await utimes(path, 0, 0)
    vi.advanceTimersByTime(2_000)
    await vi.waitFor(async () => {
      expect((await stat(path)).mtimeMs).toBeGreaterThan(0)
    }, 20_000)
    await unlock()
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})
