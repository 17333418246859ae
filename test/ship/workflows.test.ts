import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

interface Step {
  readonly id?: string
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}
interface Job {
  readonly needs?: string
  readonly container?: string | { readonly image: string; readonly options?: string }
  readonly uses?: string
  readonly permissions: Readonly<Record<string, string>>
  readonly steps?: readonly Step[]
}
interface Workflow {
  readonly on: Readonly<Record<string, { readonly tags?: readonly string[] } | null>>
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = `${root}.github/workflows/`
const texts = new Map(readdirSync(folder).map((file) => [file, readFileSync(folder + file, 'utf8')]))
const workflows = new Map([...texts].map(([file, text]) => [file, parse(text) as Workflow]))
const ci = workflows.get('ci.yml')
const release = workflows.get('release.yml')
const steps = release?.jobs['image']?.steps ?? []
const stepOf = (action: string) => steps.find(({ uses = '' }) => uses.startsWith(`${action}@`))?.with ?? {}

const dockerfile = readFileSync(`${root}Dockerfile`, 'utf8')
const stages = [...dockerfile.matchAll(/^FROM (\S+) AS (\S+)$/gm)].map(([, from = '', name = '']) => ({ from, name }))
/** What the Dockerfile is built on, by the build argument that names it. */
const bases = [...new Set(stages.map(({ from }) => from))].filter((from) => !stages.some(({ name }) => name === from))

/** Runs a step's script as a runner does, with a `docker` that the test gives; @returns what it has for later steps. */
function runStep(id: string, env: Readonly<Record<string, string>>, docker = 'exit 1') {
  const temporary = mkdtempSync(join(tmpdir(), 'workflow-step-'))
  try {
    writeFileSync(join(temporary, 'docker'), `#!/bin/sh\n${docker}\n`, { mode: 0o755 })
    writeFileSync(join(temporary, 'output'), '')
    const script = steps.find((step) => step.id === id)?.run ?? ''
    const { status, stdout, stderr } = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: `${temporary}:${process.env['PATH']}`, GITHUB_OUTPUT: join(temporary, 'output'), ...env },
    })
    return { status, text: stdout + stderr, output: readFileSync(join(temporary, 'output'), 'utf8') }
  } finally {
    rmSync(temporary, { recursive: true })
  }
}

for (const [file, text] of texts) {
  test(`${file} uses only what is in this repository, or pinned by a commit with its version beside it`, () => {
    const used = [...text.matchAll(/^ *(?:- )?uses: (.+)$/gm)].map(([, action = '']) => action)
    assert.ok(used.length > 0)
    for (const action of used) {
      if (action.startsWith('./')) assert.ok(existsSync(root + action), action)
      else assert.match(action, /^[\w-]+\/[\w-]+(\/[\w-]+)?@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    }
  })

  test(`${file} puts no expression into a script, where its value would run as code`, () => {
    for (const { steps: all = [] } of Object.values(workflows.get(file)?.jobs ?? {})) {
      for (const { run = '' } of all) assert.doesNotMatch(run, /\$\{\{/)
    }
  })

  test(`${file} gives no permission but to a job, and leaves no token in the checkout`, () => {
    const workflow = workflows.get(file)
    assert.deepEqual(workflow?.permissions, {})
    for (const { permissions, steps: all = [] } of Object.values(workflow?.jobs ?? {})) {
      assert.notEqual(permissions, undefined)
      for (const { uses = '', with: options } of all) {
        if (uses.startsWith('actions/checkout@')) assert.equal(options?.['persist-credentials'], false)
      }
    }
  })
}

const ciJobs = Object.entries(ci?.jobs ?? {})
const scriptsOf = (text: string) =>
  [...text.matchAll(/\bnpm (?:run ([\w:]+)|(test)\b)/g)].map(([, name, test]) => name ?? test ?? '')

test('every push to main and every pull request runs the jobs of CI at the same time, which may only read', () => {
  assert.deepEqual(Object.keys(ci?.on ?? {}), ['push', 'pull_request', 'merge_group', 'workflow_call'])
  assert.ok(ciJobs.length > 1)
  for (const [name, { permissions, needs }] of ciJobs) {
    assert.deepEqual(permissions, { contents: 'read' }, name)
    assert.equal(needs, undefined, name)
  }
})

test('CI runs every npm script of .ci/run, and each of them exists', () => {
  const run = new Set(
    ciJobs.flatMap(([, { steps: all = [] }]) => all.flatMap(({ run: script = '' }) => scriptsOf(script))),
  )
  // The coverage of .ci/run takes another Node for its first lane, which no npm script does.
  const wanted = new Set([...scriptsOf(readFileSync(`${root}.ci/run`, 'utf8')), 'test:coverage'])
  assert.ok(wanted.size > 9)
  assert.deepEqual([...run].sort(), [...wanted].sort())
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }
  for (const name of run) assert.ok(Object.hasOwn(scripts, name), name)
})

test('the tests of CI run on the oldest Node that is supported, and on that of the image', () => {
  const versionsOf = (script: string) =>
    ciJobs
      .filter(([, { steps: all = [] }]) => all.some(({ run }) => run === script))
      .map(([, { container }]) => /^node:(\d+)-/.exec(typeof container === 'string' ? container : '')?.[1])
  const { engines } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { engines: { node: string } }
  assert.deepEqual(versionsOf('npm test'), [/\d+/.exec(engines.node)?.[0]])
  assert.deepEqual(versionsOf('npm run test:coverage'), [/^ARG NODE_IMAGE=node:(\d+)-/m.exec(dockerfile)?.[1]])
})

test('a lane is given the Debian packages that .ci/run installs for it', () => {
  const given = ciJobs.flatMap(([, { steps: all = [] }]) =>
    all.flatMap(({ with: options }) => options?.['packages'] ?? []),
  )
  const [, installed = ''] = /no-install-recommends (.+?) >/.exec(readFileSync(`${root}.ci/run`, 'utf8')) ?? []
  const names = new Set(given.flatMap((names) => String(names).split(' ')))
  assert.deepEqual([...names].sort(), installed.split(' ').sort())
})

test('the action that CI jobs begin with puts no expression into a script', () => {
  const { runs } = parse(readFileSync(`${root}.github/actions/setup/action.yml`, 'utf8')) as {
    runs: { using: string; steps: Step[] }
  }
  assert.equal(runs.using, 'composite')
  for (const { run = '' } of runs.steps) assert.doesNotMatch(run, /\$\{\{/)
  assert.ok(runs.steps.some(({ run }) => run === 'npm ci'))
})

test('CodeQL reads the sources and the workflows, and may upload what it finds', () => {
  const job = workflows.get('codeql.yml')?.jobs['analyze'] as Job & { strategy: { matrix: { language: string[] } } }
  assert.deepEqual(job.permissions, { contents: 'read', 'security-events': 'write' })
  assert.deepEqual(job.strategy.matrix.language, ['javascript-typescript', 'actions'])
  const actions = job.steps?.map(({ uses = '' }) => uses.split('@')[0])
  assert.deepEqual(actions?.slice(1), ['github/codeql-action/init', 'github/codeql-action/analyze'])
})

interface Updates {
  readonly version: number
  readonly updates: readonly {
    readonly 'package-ecosystem': string
    readonly directory?: string
    readonly directories?: readonly string[]
    readonly schedule: { readonly interval: string }
    readonly groups?: Readonly<Record<string, object>>
  }[]
}

test('packages, actions and base images are updated weekly, packages and actions in groups', () => {
  const { version, updates } = parse(readFileSync(`${root}.github/dependabot.yml`, 'utf8')) as Updates
  assert.equal(version, 2)
  assert.deepEqual(
    updates.map((update) => [update['package-ecosystem'], Object.keys(update.groups ?? {})]),
    [
      ['npm', ['production', 'development']],
      ['github-actions', ['actions']],
      ['docker', []],
    ],
  )
  for (const { directory, directories = [directory ?? ''], schedule } of updates) {
    assert.equal(schedule.interval, 'weekly')
    for (const path of directories) assert.ok(existsSync(root + path.replace('*', '')), path)
  }
})

interface IssueForm {
  readonly name: string
  readonly description: string
  readonly body: readonly { readonly type: string; readonly id?: string; readonly attributes: object }[]
}

test('the issue forms have what GitHub requires, and a vulnerability has its own way', () => {
  const forms = `${root}.github/ISSUE_TEMPLATE/`
  const { blank_issues_enabled, contact_links } = parse(readFileSync(`${forms}config.yml`, 'utf8'))
  assert.equal(blank_issues_enabled, false)
  assert.match(contact_links[0].about, /SECURITY\.md/)
  const names = readdirSync(forms).filter((name) => name !== 'config.yml')
  assert.ok(names.length > 1)
  for (const name of names) {
    const { name: title, description, body } = parse(readFileSync(forms + name, 'utf8')) as IssueForm
    assert.ok(title && description, name)
    const fields = body.filter(({ type }) => type !== 'markdown')
    assert.ok(
      fields.every(({ id, type }) => /^[\w-]+$/.test(id ?? '') && /^(textarea|input|dropdown|checkboxes)$/.test(type)),
    )
    assert.equal(new Set(fields.map(({ id }) => id)).size, fields.length, name)
  }
})

test('code owners are of one team, for paths that exist', () => {
  const lines = readFileSync(`${root}.github/CODEOWNERS`, 'utf8')
    .split('\n')
    .filter((line) => /^[^#]/.test(line))
  assert.equal(lines[0]?.split(/\s+/)[0], '*')
  for (const line of lines) {
    const [path = '', ...owners] = line.trim().split(/\s+/)
    assert.ok(path === '*' || existsSync(root + path), path)
    assert.ok(owners.length > 0 && owners.every((owner) => /^@[\w-]+\/[\w-]+$/.test(owner)), line)
  }
})

test('a release begins with a tag of a version, and nothing is pushed before CI has passed', () => {
  assert.deepEqual(release?.on, { push: { tags: ['v*'] } })
  const { check, image, ...others } = release?.jobs ?? {}
  assert.deepEqual(others, {})
  assert.deepEqual(check, { permissions: { contents: 'read' }, uses: './.github/workflows/ci.yml' })
  assert.equal(image?.needs, 'check')
})

test('the job that publishes has the permissions that its steps need, and no others', () => {
  assert.deepEqual(release?.jobs['image']?.permissions, {
    contents: 'read',
    packages: 'write',
    'id-token': 'write',
    attestations: 'write',
  })
})

test('the image is pushed with an SBOM and full provenance, and what was pushed is attested', () => {
  const build = stepOf('docker/build-push-action')
  assert.deepEqual([build['push'], build['sbom'], build['provenance']], [true, true, 'mode=max'])
  assert.equal(build['target'], undefined, 'the last stage, which is the server')
  assert.equal(stages.at(-1)?.name, 'server')
  const attest = stepOf('actions/attest-build-provenance')
  assert.equal(attest['subject-digest'], `$\{{ steps.build.outputs.digest }}`)
  assert.equal(build['tags'], `${attest['subject-name']}:$\{{ steps.image.outputs.version }}`)
  assert.equal(attest['push-to-registry'], true)
})

test('everything that the Dockerfile is built on is an argument with a default, so that its digest can be given', () => {
  assert.ok(bases.length > 0)
  for (const base of bases) {
    const [, name = ''] = /^\$\{(\w+)\}$/.exec(base) ?? []
    assert.match(dockerfile.slice(0, dockerfile.indexOf('\nFROM ')), new RegExp(`^ARG ${name}=\\S+$`, 'm'), base)
  }
})

test('a release builds on the digest that each base image has then', () => {
  const digest = `sha256:${'0123456789abcdef'.repeat(4)}`
  const docker = `[ "$1 $2 $3 $5 $6" = 'buildx imagetools inspect --format {{.Manifest.Digest}}' ] && echo ${digest}`
  const { status, output, text } = runStep('bases', {}, docker)
  assert.equal(status, 0, text)
  const [first, ...lines] = output.trimEnd().split('\n')
  assert.deepEqual([first, lines.pop()], ['args<<END', 'END'])
  const expected = bases.map((base) => {
    const [, name = ''] = /^\$\{(\w+)\}$/.exec(base) ?? []
    const [, image = ''] = new RegExp(`^ARG ${name}=(\\S+)$`, 'm').exec(dockerfile) ?? []
    return `${name}=${image}@${digest}`
  })
  assert.deepEqual(lines, expected)
  const [args] = String(stepOf('docker/build-push-action')['build-args']).split('\n')
  assert.equal(args, `$\{{ steps.bases.outputs.args }}`)
})

for (const [what, docker] of [
  ['the registry cannot be reached', 'exit 1'],
  ['it gives no digest', 'echo'],
]) {
  test(`a release ends where ${what}`, () => {
    assert.notEqual(runStep('bases', {}, docker).status, 0)
  })
}

test('the tag is the version of package.json, or the release ends; the image’s name is lowercase', () => {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  const env = { GITHUB_REPOSITORY: 'Contoso/Message-Center', REGISTRY: 'registry.example' }
  const named = runStep('image', { ...env, GITHUB_REF_NAME: `v${version}` })
  assert.equal(named.output, `name=registry.example/contoso/message-center\nversion=${version}\n`)
  const other = runStep('image', { ...env, GITHUB_REF_NAME: 'v99.0.0' })
  assert.equal(other.status, 1)
  const nowhere = runStep('image', { ...env, GITHUB_REF_NAME: `v${version}`, REGISTRY: '' })
  assert.match(nowhere.text, /^::error::Set the repository variable IMAGE_REGISTRY /m)
  assert.match(other.text, /^::error::The tag is v99\.0\.0, but the version in package\.json is /m)
})
