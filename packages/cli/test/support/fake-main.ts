/** The command as a process of its own, without a model. */
import { start } from '../../src/start'
import { fakeLibrary, type FakeOptions } from './fake-library'

const { FAKE_PIECES = '1', FAKE_WAIT = '0' } = process.env
const pieces = Array.from({ length: Number(FAKE_PIECES) }, (_, i) => `word${i} `)
const onLoad = () => {
  process.emitWarning('something\nis odd', { type: 'EvolmmWarning' })
}

/** Goes on until it is stopped, and then takes its time. */
const onTrain: FakeOptions['onTrain'] = async (_, { signal }) => {
  process.stderr.write('training\n')
  const alive = setInterval(() => undefined, 1000)
  await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  await new Promise((resolve) => setTimeout(resolve, Number(FAKE_WAIT)))
  clearInterval(alive)
  return { folder: '/runs/tiny', step: 7, status: 'stopped' }
}

await start({ library: fakeLibrary({ pieces, wait: Number(FAKE_WAIT), onLoad, onTrain }), version: '1.2.3' })
