export { bundleScript, type BundledScript } from './bundle-script'
export { runReadmeExample } from './run-readme-example'
export { prepareWebGpu } from './webgpu'
