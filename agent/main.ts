import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs, parseEnv } from 'node:util'
import { defaultTools } from '../src/tools/index.ts'
import { EnvironmentError, packageOf, sampleValues } from './package.ts'
import { pluginManifest } from './plugin.ts'

const help = `Builds the Microsoft 365 Agents Toolkit package.

  npm run agent                 generates ai-plugin.json from the server's tools
  npm run agent -- --zip dev    also packs the app with the values of agent/env/.env.dev
  npm run agent -- --icons      also renders the icons from SVG; requires Chromium
`
const here = fileURLToPath(new URL('.', import.meta.url))

try {
  await run(process.argv.slice(2))
} catch (error) {
  const isUsageError =
    error instanceof EnvironmentError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
  if (!isUsageError) throw error
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}

async function run(args: string[]) {
  const { values } = parseArgs({
    args,
    options: { zip: { type: 'string' }, icons: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    process.stdout.write(help)
    return
  }
  write('appPackage/ai-plugin.json', `${JSON.stringify(pluginManifest(defaultTools), null, 2)}\n`)
  if (values.icons) {
    const { drawIcon } = await import('./draw-icon.ts')
    for (const [name, px] of [
      ['color', 192],
      ['outline', 32],
    ] as const) {
      write(`appPackage/${name}.png`, await drawIcon(readFileSync(`${here}icons/${name}.svg`, 'utf8'), px))
    }
  }
  if (values.zip !== undefined) {
    const variables = environment(values.zip)
    const zip = packageOf(`${here}appPackage`, variables)
    mkdirSync(`${here}appPackage/build`, { recursive: true })
    write(`appPackage/build/appPackage.${values.zip}.zip`, zip)
    const left = sampleValues(variables, parseEnv(readFileSync(`${here}env/.env.dev.sample`, 'utf8')))
    if (left.length > 0) {
      process.stderr.write(`Still from the sample, and shown to users; set them in env/.env.${values.zip}:\n`)
      for (const line of left) process.stderr.write(`  ${line}\n`)
    }
  }
}

/** @throws {EnvironmentError} where the file does not exist */
function environment(name: string) {
  const file = `${here}env/.env.${name}`
  if (!/^\w+$/.test(name) || !existsSync(file)) {
    throw new EnvironmentError(
      `agent/env/.env.${name} does not exist: copy agent/env/.env.dev.sample to it and fill it in.`,
    )
  }
  return parseEnv(readFileSync(file, 'utf8'))
}

function write(file: string, content: string | Uint8Array) {
  writeFileSync(here + file, content)
  process.stdout.write(`agent/${file}  ${Buffer.byteLength(content)} bytes\n`)
}
