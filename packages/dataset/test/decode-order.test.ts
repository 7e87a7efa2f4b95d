import { expect, test } from 'vitest'
import { alone, amongOthers } from '../src/decode-order'

/** A task that notes when it starts and ends, and ends when told. */
function recorder() {
  const log: string[] = []
  const ends = new Map<string, () => void>()
  const task = (name: string) => () => {
    log.push(`${name} starts`)
    return new Promise<string>((done) =>
      ends.set(name, () => {
        log.push(`${name} ends`)
        done(name)
      }),
    )
  }
  const end = async (name: string) => {
    await settled()
    ends.get(name)?.()
    await settled()
  }
  return { log, task, end }
}

const settled = () => new Promise((done) => setTimeout(done, 5))

test('tasks run beside each other, one that asks to be alone waits for them and holds the later ones back', async () => {
  const { log, task, end } = recorder()
  const results = [amongOthers(task('a')), amongOthers(task('b'))]
  await settled()
  results.push(alone(task('c')), amongOthers(task('d')), alone(task('e')), amongOthers(task('f')))
  for (const name of ['b', 'a', 'c', 'e']) await end(name)
  for (const name of ['f', 'd']) await end(name)
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  expect(log.slice(0, 8)).toEqual([
    'a starts',
    'b starts',
    'b ends',
    'a ends',
    'c starts',
    'c ends',
    'e starts',
    'e ends',
  ])
  // d had not started when e asked to be alone, so it came after e, beside f.
  expect(log.slice(8, 10).sort()).toEqual(['d starts', 'f starts'])
})

test('a task that fails is reported and keeps nobody waiting', async () => {
  const fail = () => Promise.reject(new Error('no'))
  const failed = [amongOthers(fail), alone(fail), amongOthers(fail), alone(fail)]
  for (const result of failed) await expect(result).rejects.toThrow('no')
  expect(await alone(() => Promise.resolve(1))).toBe(1)
  expect(await amongOthers(() => Promise.resolve(2))).toBe(2)
})
