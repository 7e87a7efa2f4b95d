import { defineConfig } from 'tsup'
import { library } from '../../tsup.base'

// A command, not a library: one ESM file, no types.
export default defineConfig({
  ...library,
  entry: ['src/main.ts'],
  format: ['esm'],
  dts: false,
})
