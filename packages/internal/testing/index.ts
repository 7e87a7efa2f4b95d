export { drawn } from './drawn'
export { bundleScript, type BundledScript } from './bundle-script'
export {
  breakOff,
  bytes,
  gitHash,
  isolated,
  serveHub,
  sha256,
  temporaryFolder,
  type FakeRepo,
  type Misbehaviour,
} from './hub-server'
export { inheritedWords } from './inherited-words'
export { killOften, paceOf, type KillOptions, type KillsDone, type Pace } from './kill-often'
export { testOptionNames, type MistypedOption } from './option-names'
export { namesDefault } from './names-default'
export { readmeExamplesLeft, runReadmeExample } from './run-readme-example'
export { floats, readRaw, take, writeHeader, writeRaw, type RawTensor } from './safetensors'
export { sizedTest, type Sizes } from './sized-test'
export { startProcess, type StartedProcess } from './start-process'
export { prepareWebGpu } from './webgpu'
