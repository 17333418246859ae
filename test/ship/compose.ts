import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** A service of the compose file: the properties that the tests use. */
export interface Service {
  readonly image?: string
  readonly build?: { readonly context: string; readonly target: string }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly working_dir?: string
  readonly user?: string
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly network_mode?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly pids_limit?: number
  readonly cpus?: number
  readonly mem_limit?: string
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck: { readonly test: readonly string[] }
}

/** An image's configuration: Docker's `Config`, as printed by `inspect`. */
export interface ImageConfig {
  readonly Cmd: readonly string[]
  readonly Env: readonly string[]
  readonly User: string
  readonly WorkingDir: string
  readonly Healthcheck: { readonly Test: readonly string[] }
  readonly Labels: Readonly<Record<string, string>>
}

/** The process of a container: from its image, overridden by the service. */
export interface Process {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly healthcheck: readonly string[]
}

/** The services of docker/compose.yaml; `variables` replace those of the shell. */
export function readCompose(variables: Readonly<Record<string, string>> = {}): Record<string, Service> {
  const text = readFileSync(new URL('../../docker/compose.yaml', import.meta.url), 'utf8').replaceAll(
    /\$\{(\w+):-([^}]*)\}/g,
    (_, name: string, otherwise: string) => variables[name] ?? otherwise,
  )
  const { services } = parse(text, { merge: true }) as { services: Record<string, Service> }
  return services
}

export function processOf(image: ImageConfig, service?: Service): Process {
  const env = Object.fromEntries(image.Env.map((entry) => [...entry.split(/=(.*)/s)] as [string, string]))
  const own = Object.entries(service?.environment ?? {}).map(([name, value]) => [name, String(value)])
  return {
    argv: service?.command ?? image.Cmd,
    env: { ...env, ...Object.fromEntries(own) },
    cwd: service?.working_dir ?? image.WorkingDir,
    healthcheck: (service?.healthcheck.test ?? image.Healthcheck.Test).slice(1),
  }
}

/** Runs a health check until it succeeds. @throws {Error} with the output after a minute */
export async function waitUntilHealthy(
  child: ChildProcess,
  check: () => ChildProcess,
  output: () => string,
): Promise<void> {
  const end = Date.now() + 60_000
  for (;;) {
    const [code] = await once(check(), 'close')
    if (code === 0) return
    if (child.exitCode !== null || Date.now() > end) {
      throw new Error(`Not healthy; exit code ${child.exitCode}.\n${output().slice(-4_000)}`)
    }
  }
}

/**
 * Starts services as compose does: each after its dependencies are healthy.
 *
 * @param start starts a service and resolves when it is healthy
 */
export async function up(
  services: Readonly<Record<string, Service>>,
  start: (name: string, service: Service) => Promise<void>,
): Promise<void> {
  const started = new Map<string, Promise<void>>()
  const startOnce = (name: string): Promise<void> => {
    const service = services[name]
    if (service === undefined) throw new Error(`Unknown service: ${name}.`)
    const known = started.get(name)
    if (known !== undefined) return known
    const dependencies = Object.entries(service.depends_on ?? {}).map(([other, { condition }]) => {
      if (condition !== 'service_healthy') throw new Error(`${name} does not wait until ${other} is healthy.`)
      return startOnce(other)
    })
    const starting = Promise.all(dependencies).then(() => start(name, service))
    started.set(name, starting)
    return starting
  }
  await Promise.all(Object.keys(services).map(startOnce))
}
