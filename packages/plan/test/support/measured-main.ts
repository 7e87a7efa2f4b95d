/** Measures the run whose flags it is given as JSON. */
import { measuredRun, type Flags } from './measured-run'

process.stdout.write(String(await measuredRun(JSON.parse(process.argv[2]) as Flags)))
process.exit(0)
