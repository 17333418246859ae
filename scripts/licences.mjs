import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The licences of the packages that a bundle is made of: their texts have to go where the code goes.
 *
 * @param {string[]} inputs paths of the bundle's source files, as in esbuild's metafile
 * @returns {string} one text, a section for each package
 * @throws where a package says nothing about its licence
 */
export function licencesOf(inputs) {
  const sections = packageFolders(inputs).map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    if (files.length === 0 && typeof license !== 'string') throw new Error(`${name} ${version} names no licence`)
    const texts = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim())
    return [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n')
  })
  return `${sections.sort().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}

/**
 * What a bundle is made of, for scanners: CycloneDX 1.6, JSON. The same for the same sources: no time, no number.
 *
 * @param {string[]} inputs paths of the bundle's source files, as in esbuild's metafile
 * @param {{ name: string, version: string }} product whose bundle it is
 * @returns {object} the document
 */
export function bomOf(inputs, product) {
  const component = ({ name, version, license }, type) => ({
    type,
    'bom-ref': purlOf(name, version),
    name,
    version,
    purl: purlOf(name, version),
    ...(license && { licenses: [/[ (]/.test(license) ? { expression: license } : { license: { id: license } }] }),
  })
  const packages = packageFolders(inputs).map((folder) =>
    JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')),
  )
  // A package may be there twice, in one version.
  const components = new Map(packages.map((one) => [purlOf(one.name, one.version), component(one, 'library')]))
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: component(product, 'application') },
    components: [...components.values()].sort((one, other) => (one.purl < other.purl ? -1 : 1)),
  }
}

/** package-url/purl-spec, type npm. */
function purlOf(name, version) {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`
}

function packageFolders(inputs) {
  return [...new Set(inputs.map(packageFolder).filter((folder) => folder !== undefined))]
}

/** The innermost package that a file is of; a package.json without a name only says what kind of modules a folder has. */
function packageFolder(path) {
  const start = path.lastIndexOf('node_modules/')
  if (start === -1) return undefined
  const [scope = '', name = ''] = path.slice(start + 'node_modules/'.length).split('/')
  const folder = path.slice(0, start) + join('node_modules', scope.startsWith('@') ? join(scope, name) : scope)
  return existsSync(join(folder, 'package.json')) ? folder : undefined
}
