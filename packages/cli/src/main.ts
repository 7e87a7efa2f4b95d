#!/usr/bin/env node
/** The `evolmm` command, with the real library. */
import { readFileSync } from 'node:fs'
import { parseJson } from '@evolmm/internal'
import { start } from './start'
import { library } from './installed-library'

const { version } = parseJson(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}

await start({ library, version })
