import { expect, test } from 'vitest'
import { statusLine, type StatusLineOptions } from '../src'
import { entry } from './support/entries'

function follow(options: { isTTY?: boolean; columns?: number; everySeconds?: number; total?: number } = {}) {
  const { isTTY = false, columns, everySeconds, total = 100 } = options
  const written: string[] = []
  let now = 0
  const given: StatusLineOptions = {
    output: { isTTY, columns, write: (text) => written.push(text) },
    clock: () => now,
    ...(everySeconds === undefined ? {} : { everySeconds }),
  }
  const status = statusLine(given)
  void status.start({ name: 'run', folder: '/', config: {}, totalSteps: total, startStep: 0, probe: null })
  const step = (number: number, seconds = 2) => {
    now += seconds * 1000
    void status.log(entry(number))
  }
  const finish = () => void status.finish({ step: 0, status: 'finished' })
  return { written, status, step, finish }
}

test('elsewhere than on a terminal: whole lines, the first and one for each stretch of time, and the last', () => {
  const { written, step, finish } = follow({ everySeconds: 10 })
  for (let i = 1; i <= 12; i++) step(i)
  finish()
  finish()
  expect(written).toEqual([
    '  1/100, 2 s/it, 4 min left, reward 0.45, loss 0.0156\n',
    '  6/100, 2 s/it, 4 min left, reward 0.45, loss 0.0156\n',
    ' 11/100, 2 s/it, 3 min left, reward 0.45, loss 0.0156\n',
    ' 12/100, 2 s/it, 3 min left, reward 0.45, loss 0.0156\n',
  ])
})

test('on a terminal one line is written over, with a bar where there is room', () => {
  const { written, step } = follow({ isTTY: true, columns: 120 })
  step(1)
  step(50)
  expect(written).toEqual([
    '\r  1/100 [                        ] 2 s/it, 4 min left, reward 0.45, loss 0.0156\u001b[K',
    '\r 50/100 [============            ] 2 s/it, 2 min left, reward 0.45, loss 0.0156\u001b[K',
  ])
})

test('a line never wraps, however narrow the terminal', () => {
  for (let columns = 1; columns < 130; columns++) {
    const { written, step } = follow({ isTTY: true, columns })
    step(99)
    expect(written[0].replace('\r', '').replace('\u001b[K', '').length).toBeLessThanOrEqual(
      Math.max(1, columns - 1),
    )
  }
})

test('a terminal that says it has no columns is taken for one of the usual width', () => {
  const [unsure, usual] = [follow({ isTTY: true, columns: 0 }), follow({ isTTY: true, columns: 80 })]
  for (const { step } of [unsure, usual]) step(1)
  expect(unsure.written).toEqual(usual.written)
})

test('the live line can be taken away, comes back, and stays at the end', () => {
  const { written, status, step, finish } = follow({ isTTY: true, columns: 100 })
  status.clear()
  expect(written).toEqual([])
  step(1)
  status.clear()
  status.clear()
  expect(written.slice(1)).toEqual(['\r\u001b[K'])
  step(2)
  finish()
  expect(written.slice(-2)).toEqual(['\r\u001b[K', '  2/100, 2 s/it, 4 min left, reward 0.45, loss 0.0156\n'])
})

test('times are in units that fit, and the rate follows the latest steps', () => {
  const line = (seconds: number, total: number) => {
    const { written, step } = follow({ everySeconds: 0, total })
    for (let i = 1; i <= 30; i++) step(i, i <= 9 ? 1000 : seconds)
    return String(written.at(-1)).split(', ').slice(1, 3).join(', ')
  }
  expect(line(0.01, 100)).toBe('100 it/s, 1 s left')
  expect(line(0.5, 100)).toBe('2 it/s, 35 s left')
  expect(line(10, 3000)).toBe('10 s/it, 8 h 15 min left')
  expect(line(60, 16180)).toBe('60 s/it, 11 d 5 h left')
  expect(line(0, 100)).toBe('- it/s, 0 s left')
})

test('notices come before the numbers, and numbers that were not measured are left out', () => {
  const written: string[] = []
  const status = statusLine({ output: { write: (text) => written.push(text) }, clock: () => 0 })
  void status.start({ name: '', folder: '/', config: {}, totalSteps: 5, startStep: 0, probe: null })
  void status.log(entry(1, { alarms: ['entropy', 'kl'], parts: [{ text: '', value: null }] }))
  expect(written).toEqual(['1/5, - it/s, 0 s left, alarm: entropy, alarm: kl, loss 0.0156\n'])
})
