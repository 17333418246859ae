import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The licence texts of the packages in a bundle, to be distributed with it.
 *
 * @param {string[]} inputs paths of the bundle's source files, as in esbuild's metafile
 * @returns {string} one text, a section for each package
 * @throws where a package has no licence
 */
export function licencesOf(inputs) {
  const sections = packageFolders(inputs).map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    if (files.length === 0 && typeof license !== 'string') throw new Error(`${name} ${version} has no licence`)
    const texts = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim())
    return [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n')
  })
  return `${sections.sort().join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}

/**
 * The bill of materials of a bundle: CycloneDX 1.6, JSON. Reproducible: no timestamp, no serial number.
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
  // The same version may be installed twice.
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

/** The innermost package of a file; a package.json without a name only sets a folder's module type. */
function packageFolder(path) {
  const start = path.lastIndexOf('node_modules/')
  if (start === -1) return undefined
  const [scope = '', name = ''] = path.slice(start + 'node_modules/'.length).split('/')
  const folder = path.slice(0, start) + join('node_modules', scope.startsWith('@') ? join(scope, name) : scope)
  return existsSync(join(folder, 'package.json')) ? folder : undefined
}
