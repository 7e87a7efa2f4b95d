import { defineConfig } from 'tsup'
import { library } from '../../tsup.base'

// Only the types: the other packages inline the code from the sources, but tsup cannot inline types from them.
export default defineConfig({
  ...library,
  dts: { only: true, compilerOptions: { ignoreDeprecations: '6.0' } },
})
