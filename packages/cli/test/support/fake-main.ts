/** The command as a process of its own, without a model. */
import { start } from '../../src/start'
import { fakeLibrary } from './fake-library'

const { FAKE_PIECES = '1', FAKE_WAIT = '0' } = process.env
const pieces = Array.from({ length: Number(FAKE_PIECES) }, (_, i) => `word${i} `)
const onLoad = () => {
  process.emitWarning('something\nis odd', { type: 'EvolmmWarning' })
}

await start({ library: fakeLibrary({ pieces, wait: Number(FAKE_WAIT), onLoad }), version: '1.2.3' })
