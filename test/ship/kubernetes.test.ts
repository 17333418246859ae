import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { EnvironmentSchema } from '../../src/config/environment.ts'
import { readConfig } from '../../src/config/index.ts'
import { build } from '../helper.ts'
import { imageOf } from './dockerfile.ts'

/** The manifest, held against the image and the server: no cluster was there to apply it to. */

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}
interface Container {
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env: readonly { readonly name: string; readonly valueFrom: { readonly secretKeyRef: { optional?: true } } }[]
  readonly volumeMounts: readonly { readonly mountPath: string }[]
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
}
interface Labels {
  readonly matchLabels: Readonly<Record<string, string>>
}
interface Resource {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data: Readonly<Record<string, string>>
  readonly spec: {
    readonly selector: Readonly<Record<string, string>> & Labels
    readonly ports: readonly { readonly targetPort: string }[]
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: {
        readonly terminationGracePeriodSeconds: number
        readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number }
        readonly containers: readonly Container[]
      }
    }
  }
}

const text = readFileSync(fileURLToPath(new URL('../../infra/kubernetes.yaml', import.meta.url)), 'utf8')
const documents = parseAllDocuments(text)
const resources = documents.map((document) => document.toJS() as Resource)
const only = (kind: string) => {
  const [found] = resources.filter((one) => one.kind === kind)
  assert.ok(found, kind)
  return found
}
const { data } = only('ConfigMap')
const { template } = only('Deployment').spec
const [container] = template.spec.containers
assert.ok(container)
const key = () => randomBytes(32).toString('base64')
const secrets = { MCP_OAUTH_SEAL_KEY: key(), REDIS_URL: 'rediss://redis.example:6380', CACHE_ENCRYPTION_KEY: key() }

test('it is YAML without errors', () => {
  assert.deepEqual(
    documents.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
    [],
  )
})

for (const [what, withoutOptional] of [
  ['what it needs', true],
  ['all that it may take', false],
] as const) {
  test(`with ${what} it is a configuration for production`, () => {
    const env = container.env
      .filter(({ valueFrom }) => !(withoutOptional && valueFrom.secretKeyRef.optional))
      .map(({ name }) => [name, secrets[name as keyof typeof secrets]])
    const names = [...Object.keys(data), ...env.map(([name]) => name)]
    assert.deepEqual(
      names.filter((name) => !(String(name) in EnvironmentSchema.properties)),
      [],
    )
    const config = readConfig({ NODE_ENV: 'production', ...data, ...Object.fromEntries(env) })
    assert.equal(config.listen.port, container.ports[0]?.containerPort)
    const { volumeMounts } = container
    assert.ok(data['GRAPH_CLIENT_CERT_PATH']?.startsWith(`${volumeMounts[0]?.mountPath}/`))
  })
}

test('it runs as the image’s user, without privileges', () => {
  const { runAsUser, runAsGroup } = template.spec.securityContext
  assert.equal(`${runAsUser}:${runAsGroup}`, imageOf('server').User)
  const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = container.securityContext
  assert.deepEqual([allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities], [false, true, { drop: ['ALL'] }])
})

test('its probes are the server’s, on the port that the service leads to', async (t) => {
  const { app } = await build(t, { LOG_LEVEL: 'silent' })
  const port = container.ports[0]?.name
  for (const { httpGet } of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
    assert.equal(httpGet.port, port)
    assert.ok(app.hasRoute({ method: 'GET', url: httpGet.path }), httpGet.path)
  }
  assert.equal(only('Service').spec.ports[0]?.targetPort, port)
})

test('all of it selects the same pods', () => {
  const { labels } = template.metadata
  const { selector } = only('Deployment').spec
  assert.deepEqual(
    [selector.matchLabels, only('Service').spec.selector, only('PodDisruptionBudget').spec.selector.matchLabels],
    [labels, labels, labels],
  )
})
