/** The command as a process of its own, with the real library. */
import { library } from '../../src/installed-library'
import { start } from '../../src/start'

await start({ library, version: '1.2.3' })
