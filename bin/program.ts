/** The command line: what `cachescope` can do, said well enough to need no manual. Commands are loaded when they are run. */
import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { FAULTS } from '../demo/fault-names.ts'
import {
  parseMinutes,
  parseOneOf,
  parsePort,
  parseSeconds,
  parseSeed,
  STAGE_NAMES,
  type StageName,
} from './choices.ts'
import { EXIT_CODES_HELP } from './exit-codes.ts'
import { addDoctor, addHotkeys } from './look-commands.ts'
import { inRoot } from './paths.ts'
import { endAsSignalled } from './session-end.ts'

const parseStage = parseOneOf(STAGE_NAMES)

const FAULTS_HELP = `
Faults:
  kill-node      SIGKILL: the process is gone (default: the primary that owns article:42)
  pause-node     SIGSTOP: connections stay open, nothing answers
  lag-replica    the replica runs 50 ms of every 1.5 s and falls behind
  flush          FLUSHALL on every primary: all reads ask the origin
  heal           undoes all of them`

export function buildProgram(): Command {
  const program = new Command('cachescope')
    .description(
      'Watches a fleet of cache nodes: load per shard, hit rate, replication lag, and the hot key.\n' +
        'Set up on first use: npm packages, Node 26, PostgreSQL; nothing outside this folder but Debian packages, which are named.',
    )
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      `
Examples:
  cachescope demo                        a Redis Cluster under traffic, watched: nothing to configure
  cachescope start                       watch the caches of ./cachescope.yaml
  cachescope start --config /etc/cachescope.yaml --port 8080
  cachescope hotkeys redis://10.0.0.1:6379   the hot keys of a cache, now, without a database
  cachescope doctor redis://10.0.0.1:6379    what could be seen there, and what it would cost
  cachescope help start                  more about one command
${EXIT_CODES_HELP}`,
    )
  addStart(program)
  addHotkeys(program)
  addDoctor(program)
  addDemo(program)
  addMigrate(program)
  addTest(program)
  addBench(program)
  addSoak(program)
  for (const each of [program, ...program.commands]) {
    each
      .exitOverride()
      .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'cachescope: ')) })
  }
  return program
}

function addStart(program: Command): void {
  program
    .command('start')
    .description('watch the caches of a cachescope.yaml: collector and dashboard, until Ctrl-C')
    .option('-c, --config <file>', 'the configuration', 'cachescope.yaml')
    .option(
      '-p, --port <port>',
      "the dashboard's port (default: dashboard.port of the configuration, or 3000)",
      parsePort,
    )
    .option(
      '--host <address>',
      'the address to listen on: 127.0.0.1, ::1 or localhost; others are refused for now',
    )
    .addHelpText(
      'after',
      `
Environment:
  DATABASE_URL    the PostgreSQL (14 or later) to keep samples in, postgres://user:password@host:5432/name;
                  without it an embedded one runs under .cachescope/start/
  LOG_LEVEL       the collector's log level: debug, info (default), warn, error

A cachescope.yaml needs no more than this:
  caches:
    - name: shop
      kind: cluster
      nodes: [redis://10.0.0.1:6379]

Logs of what runs are in .cachescope/start/logs/. Every problem of the configuration is listed before anything starts.

Examples:
  cachescope start
  DATABASE_URL=postgres://cachescope:secret@db:5432/cachescope cachescope start --port 8080
${EXIT_CODES_HELP}`,
    )
    .action(async (options) => {
      const { start } = await import('./commands/start.ts')
      endAsSignalled(await start(options))
    })
}

function addDemo(program: Command): void {
  for (const [name, mode] of [
    ['demo', 'production'],
    ['dev', 'development'],
  ] as const) {
    program
      .command(name)
      .description(
        mode === 'production'
          ? 'a Redis Cluster of 6 nodes under the traffic of a small shop, watched, until Ctrl-C'
          : 'the demo for developers: `next dev`, and a collector that restarts when its files change',
      )
      .option('-p, --port <port>', "the dashboard's port (default: 3000, or the next free one)", parsePort)
      .option('--no-traffic', 'start the fleet without the shop that uses it')
      .option('--fresh', 'forget the samples and tables of earlier runs', false)
      .addOption(
        new Option('--viral-after <seconds>', 'when article:42 goes viral')
          .default(60)
          .argParser(parseSeconds),
      )
      .addOption(
        new Option('--viral-for <seconds>', 'how long it stays so; a minute later it begins again')
          .default(600)
          .argParser(parseSeconds),
      )
      .addHelpText(
        'after',
        `
Everything runs on free loopback ports and keeps its files under .cachescope/demo/ (logs in logs/). The article
article:42 goes viral a minute after the start, for ten minutes: its page offers what can be done, and shows what it
did. Break things with \`cachescope demo:fault\`. Ctrl-C stops everything; twice stops at once.

Examples:
  cachescope ${name}
  cachescope ${name} --port 8080 --fresh
${EXIT_CODES_HELP}`,
      )
      .action(async (options) => {
        const { demo } = await import('./commands/demo.ts')
        endAsSignalled(await demo({ ...options, mode }))
      })
  }
  program
    .command('demo:fault')
    .description('break or mend a node of the running demo')
    .argument('<fault>', 'what to do', parseOneOf(FAULTS))
    .option('-n, --node <host:port>', 'the node (default: one of the shard that owns article:42)')
    .addHelpText(
      'after',
      `${FAULTS_HELP}

Only processes that the running demo has started are touched.

Examples:
  cachescope demo:fault kill-node
  cachescope demo:fault pause-node --node 127.0.0.1:7005
  cachescope demo:fault heal
${EXIT_CODES_HELP}`,
    )
    .action(async (name, options) => {
      const { fault } = await import('./commands/fault.ts')
      await fault({ fault: name, node: options.node ?? null })
    })
}

function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('bring the database of DATABASE_URL to this version, and start nothing')
    .addHelpText(
      'after',
      `
\`start\` does this by itself; run it alone where the role that runs Cachescope may not create tables.

Example:
  DATABASE_URL=postgres://owner:secret@db:5432/cachescope cachescope migrate
${EXIT_CODES_HELP}`,
    )
    .action(async () => {
      const { migrate } = await import('./commands/migrate.ts')
      await migrate(process.env.DATABASE_URL)
    })
}

function addTest(program: Command): void {
  program
    .command('test')
    .description('run the checks and the tests; all of them, or the stages named')
    .argument(
      '[stages...]',
      STAGE_NAMES.join(', '),
      (text: string, before: StageName[]) => [...before, parseStage(text)],
      [],
    )
    .addHelpText(
      'after',
      `
Stages:
  check          biome, tsc, dependency-cruiser, knip: one each
  unit           pure code
  integration    against real PostgreSQL and Redis servers, started for it
  e2e            the production build in Debian's Chromium

Goes on after a failure, prints what failed, and ends with one line: N passed, N failed. A skipped test counts as failed.

Examples:
  cachescope test
  cachescope test check unit
${EXIT_CODES_HELP}`,
    )
    .action(async (stages) => {
      const { test } = await import('./commands/test.ts')
      process.exitCode = await test(stages)
    })
}

function addBench(program: Command): void {
  program
    .command('bench')
    .description('run the benchmarks; all of them, or the ones named')
    .argument('[names...]', 'benchmarks')
    .option('--json', 'print the results as JSON', false)
    .addHelpText(
      'after',
      `
Prints a table, and the machine it was measured on.

Examples:
  cachescope bench
  cachescope bench --json > results.json
${EXIT_CODES_HELP}`,
    )
    .action(async (names, options) => {
      const { bench } = await import('./commands/bench.ts')
      process.exitCode = await bench(names, options)
    })
}

function addSoak(program: Command): void {
  program
    .command('soak')
    .description('mitigate, break and mend a real cluster at random, and check that no promise is broken')
    .option('-m, --minutes <minutes>', 'for how long', parseMinutes, 10)
    .option('-s, --seed <seed>', 'the first plan; each round takes the next one', parseSeed, 1)
    .addHelpText(
      'after',
      `
Application processes read and write keys while mitigations come and go and collectors, nodes and connections are
killed. Every operation is recorded; at the end of each round of 90 s the record is checked: no value older than
promised, no write lost but those that Redis itself loses in a failover, no deleted value back. Exits with 1 when a
promise was broken, and keeps the record under .cachescope/soak/.

Examples:
  cachescope soak --minutes 60
  cachescope soak --minutes 2 --seed 1234
${EXIT_CODES_HELP}`,
    )
    .action(async (options) => {
      const { soak } = await import('./commands/soak.ts')
      process.exitCode = await soak(options)
    })
}

function readVersion(): string {
  return JSON.parse(readFileSync(inRoot('package.json'), 'utf8')).version
}
