import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { EnvironmentSchema } from '../../src/config/environment.ts'
import { readConfig } from '../../src/config/index.ts'
import { build } from '../helper.ts'
import { evaluate, parseBicep, propertiesOf, type Value } from './bicep.ts'
import { imageOf } from './dockerfile.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(root + path, 'utf8')
const main = parseBicep(read('infra/main.bicep'))
const app = parseBicep(read('infra/server.bicep'))
const modules = new Map(
  readdirSync(`${root}infra/modules`).map((file) => [`modules/${file}`, parseBicep(read(`infra/modules/${file}`))]),
)
const parametersOf = (file: string) =>
  Object.entries((JSON.parse(read(file)) as { parameters: Record<string, { value: string }> }).parameters)
const ofMain = parametersOf('infra/main.parameters.json')
const ofServer = parametersOf('infra/server.parameters.json')
/** The variable of azd's environment that a parameter takes, and its default. */
const reference = (value: string) => /^\$\{([A-Z_]+)(?:=(.*))?\}$/.exec(value)?.slice(1) ?? []
interface AzureYaml {
  readonly name: string
  readonly infra: { readonly provider: string; readonly path: string; readonly module: string }
  readonly services: Readonly<
    Record<
      string,
      {
        readonly project: string
        readonly host: string
        readonly language: string
        readonly docker: { readonly path: string; readonly remoteBuild: boolean }
      }
    >
  >
  readonly hooks: Readonly<Record<string, { readonly shell: string; readonly run: string }>>
}
const azure = parse(read('azure.yaml')) as AzureYaml

/** Parameters of the server: a text for each, unless overridden. */
function given(values: Record<string, Value> = {}): Map<string, Value> {
  const scope = new Map<string, Value>([...app.params.keys()].map((name) => [name, `made-up-${name}`]))
  for (const [name, value] of Object.entries({
    graphTenantId: '11111111-2222-4333-8444-555555555555',
    graphClientId: '66666666-7777-4888-9999-aaaaaaaaaaaa',
    identityClientId: 'bbbbbbbb-cccc-4ddd-8eee-ffffffffffff',
    publicBaseUrl: 'https://mcp.example',
    redirectUris: '',
    tracesEndpoint: '',
    ingressAddresses: '100.100.0.0/16',
    logLevel: 'info',
    minReplicas: '0',
    maxReplicas: '10',
    ...values,
  })) {
    scope.set(name, value)
  }
  for (const [name, node] of app.variables) scope.set(name, evaluate(node, scope))
  return scope
}

interface Container {
  readonly env: { readonly name: string; readonly value?: string; readonly secretRef?: string }[]
  readonly probes: {
    readonly type: string
    readonly httpGet: { readonly path: string; readonly port: number }
    readonly periodSeconds: number
    readonly failureThreshold: number
  }[]
  readonly resources: { readonly cpu: number; readonly memory: string }
}
interface App {
  readonly configuration: {
    readonly ingress: { readonly targetPort: number; readonly external: boolean; readonly customDomains: object[] }
    readonly secrets: { readonly name: string }[]
  }
  readonly template: { readonly terminationGracePeriodSeconds: number; readonly containers: [Container] }
}

function appWith(values: Record<string, Value> = {}): App {
  const body = app.resources.get('app') ?? assert.fail()
  return evaluate(propertiesOf(body).get('properties') ?? assert.fail(), given(values)) as unknown as App
}

for (const [what, text] of [
  ['an object that does not end', "var a = {\n  b: 'c'\n"],
  ['a text that does not end', "param a string = 'b\n"],
  ['a property without a value', 'var a = {\n  b:\n}\n'],
  ['a resource without a body', "resource a 'Microsoft.App/containerApps@2025-01-01' =\n"],
  ['a brace too many', "var a = {\n  b: 'c'\n}}\n"],
] as const) {
  test(`${what} is not valid Bicep`, () => {
    assert.throws(() => parseBicep(text), /^Error: Line \d/)
  })
}

for (const [name, { path, body }] of main.modules) {
  test(`${name} gets the parameters of its module`, () => {
    const module = modules.get(path) ?? assert.fail(path)
    const passed = [...propertiesOf(propertiesOf(body).get('params') ?? assert.fail()).keys()]
    const required = [...module.params].filter(([, otherwise]) => otherwise === undefined).map(([param]) => param)
    for (const param of passed) assert.ok(module.params.has(param), param)
    for (const param of required) assert.ok(passed.includes(param), param)
  })
}

test('every module is used, and every referenced output exists', () => {
  assert.deepEqual([...main.modules.values()].map(({ path }) => path).sort(), [...modules.keys()].sort())
  const asked = [...read('infra/main.bicep').matchAll(/\b(\w+)\.\??outputs\.(\w+)/g)]
  assert.ok(asked.length > 8)
  for (const [, name = '', output = ''] of asked) {
    const module = modules.get(main.modules.get(name)?.path ?? '')
    assert.ok(module?.outputs.has(output), `${name}.outputs.${output}`)
  }
})

for (const [file, template, parameters] of [
  ['main', main, ofMain],
  ['server', app, ofServer],
] as const) {
  test(`the parameters file has the parameters and defaults of ${file}.bicep`, () => {
    const taken = [...template.params.keys()].filter((name) => name !== 'tags')
    assert.deepEqual(parameters.map(([name]) => name).sort(), taken.sort())
    for (const [name, { value }] of parameters) {
      const otherwise = template.params.get(name)
      const [variable = '', fallback] = reference(value)
      assert.notEqual(variable, '', name)
      assert.equal(fallback, otherwise && evaluate(otherwise, new Map()), name)
    }
  })
}

test('what the server takes from azd’s environment is there: set by azd, by an output, or checked before anything is made', () => {
  const byAzd = ['AZURE_ENV_NAME', 'AZURE_LOCATION', 'SERVICE_SERVER_IMAGE_NAME']
  const checked = /for name in ([A-Z_ ]+);/.exec(azure.hooks['preprovision']?.run ?? '')?.[1]?.split(' ') ?? []
  assert.deepEqual(checked, ['GRAPH_TENANT_ID', 'GRAPH_CLIENT_ID'])
  for (const [name, { value }] of ofServer) {
    const [variable = '', fallback] = reference(value)
    const isSet = fallback !== undefined || main.outputs.has(variable) || [...byAzd, ...checked].includes(variable)
    assert.ok(isSet, name)
  }
})

test('the server reads every variable of the app', () => {
  const { env } = appWith().template.containers[0]
  assert.ok(env.length > 8)
  for (const { name } of env) assert.ok(name in EnvironmentSchema.properties, name)
})

for (const [what, values] of [
  ['as it is by default', { redisSecretUrl: '' }],
  [
    'with a Redis, redirect URIs and a collector',
    {
      redirectUris: 'https://claude.ai/api/mcp/auth_callback',
      tracesEndpoint: 'https://collector.example:4318',
    },
  ],
] as const) {
  test(`the app has a valid production configuration, ${what}`, () => {
    const { configuration, template } = appWith(values)
    const secrets: Record<string, string> = {
      'mcp-oauth-seal-key': randomBytes(32).toString('base64'),
      'cache-encryption-key': randomBytes(32).toString('base64'),
      'redis-url': 'rediss://:made-up@redis.example:10000',
    }
    const env = template.containers[0].env.map(({ name, value, secretRef }) => {
      if (secretRef !== undefined) assert.ok(configuration.secrets.some(({ name: known }) => known === secretRef))
      return [name, value ?? secrets[secretRef ?? '']]
    })
    const config = readConfig(Object.fromEntries(env))
    assert.equal(config.production, true)
    assert.equal(config.listen.port, configuration.ingress.targetPort)
    assert.deepEqual(config.trustProxy, ['100.100.0.0/16'])
    const hasRedis = !('redisSecretUrl' in values)
    assert.equal(config.redisUrl !== undefined, hasRedis)
    assert.equal(config.cacheEncryptionKeys.length, Number(hasRedis))
  })
}

test('the template contains no secret', () => {
  for (const { name, value } of appWith().template.containers[0].env) {
    if (/SECRET|KEY|REDIS|PASSWORD/.test(name)) assert.equal(value, undefined, name)
  }
})

test('probes use paths and port of the server', async (t) => {
  const { app: server } = await build(t)
  const { configuration, template } = appWith()
  const { probes } = template.containers[0]
  assert.deepEqual(probes.map(({ type }) => type).sort(), ['Liveness', 'Readiness', 'Startup'])
  for (const { httpGet } of probes) {
    assert.equal(httpGet.port, configuration.ingress.targetPort)
    assert.equal((await server.inject(httpGet.path)).statusCode, 200, httpGet.path)
  }
  assert.equal(String(configuration.ingress.targetPort), imageOf('server').port)
})

test('no probe exceeds the limits of Container Apps, and a start may take most of a minute', () => {
  const { probes } = appWith().template.containers[0]
  for (const { type, periodSeconds, failureThreshold } of probes) {
    assert.ok(failureThreshold >= 1 && failureThreshold <= 10, type)
    assert.ok(periodSeconds >= 1 && periodSeconds <= 240, type)
    if (type === 'Startup') assert.ok(periodSeconds * failureThreshold >= 45)
  }
})

test('the redirect URI and the endpoint are of the app that server.bicep names', () => {
  const name = evaluate(propertiesOf(app.resources.get('app') ?? assert.fail()).get('name') ?? assert.fail(), new Map())
  assert.match(read('infra/main.bicep'), new RegExp(`'${name}\\.\\$\\{environment\\.outputs\\.defaultDomain\\}'`))
})

test('the termination grace period exceeds the server’s', () => {
  const [, graceMs = ''] = /^const graceMs = ([\d_]+)$/m.exec(read('src/server.ts')) ?? []
  const { terminationGracePeriodSeconds } = appWith().template
  assert.ok(
    terminationGracePeriodSeconds * 1000 > Number(graceMs.replace('_', '')) && Number(graceMs.replace('_', '')) > 0,
  )
})

test('a custom domain is first added without a certificate, then bound to one', () => {
  const domains = (values: Record<string, string>) => appWith(values).configuration.ingress.customDomains
  assert.deepEqual(domains({ customDomain: '' }), [])
  const name = 'mcp.example.com'
  assert.deepEqual(domains({ customDomain: name, customDomainCertificateId: '' }), [
    { name, bindingType: 'Disabled', certificateId: null },
  ])
  assert.deepEqual(domains({ customDomain: name, customDomainCertificateId: '/the/certificate' }), [
    { name, bindingType: 'SniEnabled', certificateId: '/the/certificate' },
  ])
})

test('azure.yaml refers to an existing template, outputs and parameters', () => {
  const { provider, path, module } = azure.infra
  assert.equal(provider, 'bicep')
  parseBicep(read(`${path}/${module}.bicep`))
  assert.equal(azure.name, JSON.parse(read('package.json')).name)
  const known = new Set([
    ...main.outputs.keys(),
    ...[...ofMain, ...ofServer].map(([, { value }]) => reference(value)[0]),
  ])
  for (const { run } of Object.values(azure.hooks)) {
    const variables = [...run.matchAll(/\$\{?([A-Z_]{2,})|azd env set --environment \S+ ([A-Z_]+)/g)]
    assert.ok(variables.length > 0)
    for (const [, used, set] of variables) assert.ok(known.has(used ?? set ?? ''), used ?? set)
  }
})

test('azd deploy builds the server’s image in the registry and deploys the template of the service’s name', () => {
  const [[name, service], ...others] = Object.entries(azure.services) as [[string, AzureYaml['services'][string]]]
  assert.deepEqual(others, [])
  assert.equal(service.host, 'containerapp')
  assert.equal(service.docker.remoteBuild, true)
  assert.ok(read(`${service.project}/${service.docker.path}`).includes(' AS server\n'))
  // azd looks for infra/<service>.bicep beside infra/<service>.parameters.json, and for the tag on the app.
  parseBicep(read(`${azure.infra.path}/${name}.bicep`))
  assert.ok(ofServer.some(([, { value }]) => value === `\${SERVICE_${name.toUpperCase()}_IMAGE_NAME}`))
  assert.match(read(`${azure.infra.path}/${name}.bicep`), new RegExp(`'azd-service-name': '${name}'`))
})

function runHook(name: string, env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'azd-hook-'))
  try {
    writeFileSync(join(folder, 'azd'), '#!/bin/sh\necho "azd $*"\n', { mode: 0o755 })
    const { status, stdout, stderr } = spawnSync('sh', ['-c', azure.hooks[name]?.run ?? 'exit 99'], {
      encoding: 'utf8',
      env: { PATH: `${folder}:${process.env['PATH']}`, AZURE_ENV_NAME: 'mine', ...env },
    })
    return { status, stdout, stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const registered = { GRAPH_TENANT_ID: 'a', GRAPH_CLIENT_ID: 'b' }

test('nothing is made without an app registration', () => {
  const { status, stderr } = runHook('preprovision', { GRAPH_TENANT_ID: 'a' })
  assert.deepEqual([status, stderr], [1, 'Missing GRAPH_CLIENT_ID. Run: azd env set GRAPH_CLIENT_ID <id>\n'])
})

test('keys are made once, for the environment that is deployed', () => {
  const first = runHook('preprovision', registered)
  assert.equal(first.status, 0, first.stderr)
  const keys = [...first.stdout.matchAll(/^azd env set --environment mine (\w+) ([\w+/]{43}=)$/gm)]
  assert.deepEqual(
    keys.map(([, name]) => name),
    ['MCP_OAUTH_SEAL_KEY', 'CACHE_ENCRYPTION_KEY'],
  )
  assert.notEqual(keys[0]?.[2], keys[1]?.[2])
  assert.deepEqual(runHook('preprovision', { ...registered, KEYS_IN_VAULT: 'true' }), {
    status: 0,
    stdout: '',
    stderr: '',
  })
})

test('hooks need no git and no Azure CLI', () => {
  for (const { run } of Object.values(azure.hooks)) assert.doesNotMatch(run, /\b(git|az) /)
})

test('identities may only pull images and read the vault’s secrets', () => {
  const roles = [...modules.values()].flatMap(({ variables }) =>
    [...variables.values()].map((node) => node.text.replaceAll("'", '')).filter((text) => /^[\da-f-]{36}$/.test(text)),
  )
  assert.deepEqual(roles.sort(), ['4633458b-17de-408a-b874-0445c86b69e6', '7f951dda-4ed3-4680-a7ca-43fe172d538d'])
})
