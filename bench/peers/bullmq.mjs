// BullMQ on the benchmark's own Redis, driven by `kanzleisync-bench`: one command per process, one line of JSON as answer.
//
//   node bullmq.mjs version | enqueue-bulk JOBS | enqueue-single JOBS | process JOBS CONCURRENCY | pick-up SAMPLES
//
// REDIS_URL names the server. Jobs are removed on completion, as one does where they are many.
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';

const QUEUE = 'bench';
const JOBS_PER_CALL = 1000;
const OPTIONS = { removeOnComplete: true, removeOnFail: true };
// Between two samples of the pick-up: long enough for the worker to be idle again, uneven so that no timer keeps step with it.
const PAUSE_MS = { least: 8, spread: 8 };

// Workers block on their connection and so must not give up on a command (BullMQ's documentation).
const connect = () => new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: null });

// The same payload everywhere: an id of 17 characters and a small number.
const payload = (number) => ({ entity: number.toString(16).padStart(17, '0'), wants: 3 });

const secondsSince = (start) => (performance.now() - start) / 1000;

async function enqueueBulk(jobs) {
  const queue = await openQueue();
  const start = performance.now();
  for (let first = 0; first < jobs; first += JOBS_PER_CALL) {
    const length = Math.min(JOBS_PER_CALL, jobs - first);
    await queue.addBulk(
      Array.from({ length }, (_, offset) => ({ name: 'sync', data: payload(first + offset), opts: OPTIONS })),
    );
  }
  return { jobs, seconds: secondsSince(start) };
}

async function enqueueSingle(jobs) {
  const queue = await openQueue();
  const start = performance.now();
  for (let number = 0; number < jobs; number += 1) {
    await queue.add('sync', payload(number), OPTIONS);
  }
  return { jobs, seconds: secondsSince(start) };
}

async function processJobs(jobs, concurrency) {
  const connection = connect();
  await connection.ping();
  const start = performance.now();
  let runs = 0;
  let finished;
  const allDone = new Promise((resolve) => { finished = resolve; });
  const worker = new Worker(QUEUE, async () => {
    runs += 1;
    if (runs === jobs) finished(secondsSince(start));
  }, { connection, concurrency });
  const seconds = await allDone;
  // Waits until the last completions are written.
  await worker.close();
  return { jobs, seconds, peak_resident_kib: process.resourceUsage().maxRSS };
}

async function pickUp(samples) {
  const queue = await openQueue();
  let started;
  const worker = new Worker(QUEUE, async () => started(performance.now()), { connection: connect() });
  await worker.waitUntilReady();
  const latencies_ms = [];
  // The first one warms up and is left out.
  for (let sample = 0; sample <= samples; sample += 1) {
    await pause(PAUSE_MS.least + PAUSE_MS.spread * Math.random());
    const running = new Promise((resolve) => { started = resolve; });
    const enqueued = performance.now();
    await queue.add('sync', payload(sample), OPTIONS);
    const latency = (await running) - enqueued;
    if (sample > 0) latencies_ms.push(latency);
  }
  await worker.close();
  return { latencies_ms };
}

async function openQueue() {
  const queue = new Queue(QUEUE, { connection: connect() });
  await queue.waitUntilReady();
  return queue;
}

function version() {
  const about = createRequire(import.meta.url)('bullmq/package.json');
  return { version: about.version, runtime: `Node ${process.versions.node}` };
}

const COMMANDS = {
  version,
  'enqueue-bulk': enqueueBulk,
  'enqueue-single': enqueueSingle,
  process: processJobs,
  'pick-up': pickUp,
};

const [command, ...numbers] = process.argv.slice(2);
const answer = await COMMANDS[command](...numbers.map(Number));
console.log(JSON.stringify(answer));
// Connections are still open, and would keep the process.
process.exit(0);
