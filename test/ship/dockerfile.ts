import { readFileSync } from 'node:fs'
import type { ImageConfig } from './compose.ts'

const text = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8').replaceAll(/\\\n\s*/g, '')

/** Lines of a stage and of the stages it is made from, those first. */
function linesOf(stage: string): string[] {
  const [, from = '', body = ''] =
    new RegExp(`^FROM (\\S+) AS ${stage}\\n([^]*?)(?=^FROM |$(?![^]))`, 'm').exec(text) ?? []
  if (from === '') return []
  return [...linesOf(from), ...body.split('\n')]
}

/** Reads an image's configuration from the Dockerfile, without building it. Build arguments are empty. */
export function imageOf(target: string): ImageConfig & { readonly port: string } {
  const lines = linesOf(target)
  const rest = (instruction: string) =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1))
  const last = (instruction: string) => rest(instruction).at(-1) ?? ''
  const pairs = (instruction: string) =>
    rest(instruction).flatMap((line) =>
      [...line.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S+))/g)].map(([, name = '', quoted, plain]): [string, string] => [
        name,
        quoted ?? plain ?? '',
      ]),
    )
  return {
    Cmd: JSON.parse(last('CMD')),
    Env: pairs('ENV').map(([name, value]) => `${name}=${value}`),
    User: last('USER'),
    WorkingDir: last('WORKDIR'),
    Healthcheck: { Test: ['CMD', ...JSON.parse(last('HEALTHCHECK').replace(/^.*? CMD /, ''))] },
    Labels: Object.fromEntries(pairs('LABEL')),
    port: last('EXPOSE'),
  }
}
