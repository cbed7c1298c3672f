import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** It measures how late a reader sees a write: what competes for the cores would be measured with it. */
const ALONE = 'tests/integration/consistency.test.ts'
/** Each bounds a failure only: a machine that others share may be several times as slow as this one. */
const LIMITS = { testTimeout: 120_000, hookTimeout: 120_000 }
/** Begun last, each would keep one worker for minutes after the others are through; a clean clone knows of no durations. */
const LONGEST = ['kill-servers', 'kill-keys', 'kill-twice', 'key-actions', 'cli/hotkeys', 'hot-keys/detector']
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) =>
      LONGEST.some((name) => moduleId.endsWith(`${name}.test.ts`))
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

const withServers = { ...LIMITS, globalSetup: ['tests/support/global-postgres.ts'] }

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...LIMITS, name: 'unit', include: ['tests/unit/**/*.test.ts'] } },
      {
        test: {
          ...withServers,
          name: 'integration',
          include: ['tests/integration/**/*.test.ts'],
          exclude: [ALONE],
          // They wait for their servers most of the time: two cores bear four files, and the checks beside them.
          maxWorkers: 4,
        },
      },
      { test: { ...withServers, name: 'alone', include: [ALONE] } },
    ],
  },
})
