# frozen_string_literal: true

# Sidekiq on the benchmark's own Redis, driven by `kanzleisync-bench`: one command per process, one line of JSON as answer.
#
#   ruby sidekiq.rb version | enqueue-bulk JOBS | enqueue-single JOBS | process JOBS CONCURRENCY | pick-up SAMPLES
#
# REDIS_URL names the server (Sidekiq reads it itself). Sidekiq keeps nothing of a finished job.
require 'json'
require 'sidekiq'
# Loaded, it makes this process a server: the pool of connections is as large as the number of threads asks for.
require 'sidekiq/cli'
require 'sidekiq/launcher'

JOBS_PER_CALL = 1000
# Between two samples of the pick-up, seconds: long enough for the worker to be idle again, uneven so that no timer keeps
# step with it.
PAUSE_SECONDS = (0.008..0.016)

# Otherwise two log lines per job would be measured, and with Debian's pair of versions a warning per fetch.
Sidekiq.logger.level = Logger::WARN
Redis.silence_deprecations = true
Redis.sadd_returns_boolean = false

class Noop
  include Sidekiq::Worker

  class << self
    attr_accessor :when_run
  end

  def perform(_entity, _wants)
    self.class.when_run.call
  end
end

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

# The same payload everywhere: an id of 17 characters and a small number.
def payload(number)
  [number.to_s(16).rjust(17, '0'), 3]
end

def enqueue_bulk(jobs)
  Sidekiq.redis(&:ping)
  start = now
  (0...jobs).each_slice(JOBS_PER_CALL) do |numbers|
    Sidekiq::Client.push_bulk('class' => Noop, 'args' => numbers.map { |number| payload(number) })
  end
  { jobs: jobs, seconds: now - start }
end

def enqueue_single(jobs)
  Sidekiq.redis(&:ping)
  start = now
  jobs.times { |number| Noop.perform_async(*payload(number)) }
  { jobs: jobs, seconds: now - start }
end

def launch(concurrency)
  Sidekiq.options.merge!(queues: ['default'], concurrency: concurrency)
  Sidekiq.redis(&:ping)
  Sidekiq::Launcher.new(Sidekiq.options)
end

def process_jobs(jobs, concurrency)
  launcher = launch(concurrency)
  runs = 0
  lock = Mutex.new
  finished = Queue.new
  Noop.when_run = lambda do
    lock.synchronize do
      runs += 1
      finished << now if runs == jobs
    end
  end
  start = now
  launcher.run
  seconds = finished.pop - start
  # Nothing is written after a run: leaving at once loses nothing.
  { jobs: jobs, seconds: seconds, peak_resident_kib: peak_resident_kib }
end

def pick_up(samples)
  started = Queue.new
  Noop.when_run = -> { started << now }
  launch(5).run
  # The first one warms up and is left out.
  latencies = Array.new(samples + 1) do |sample|
    sleep(rand(PAUSE_SECONDS))
    enqueued = now
    Noop.perform_async(*payload(sample))
    (started.pop - enqueued) * 1000
  end
  { latencies_ms: latencies.drop(1) }
end

def peak_resident_kib
  File.read('/proc/self/status')[/^VmHWM:\s+(\d+)/, 1].to_i
end

command, *numbers = ARGV
numbers.map!(&:to_i)
answer =
  case command
  when 'version' then { version: Sidekiq::VERSION, runtime: "Ruby #{RUBY_VERSION}" }
  when 'enqueue-bulk' then enqueue_bulk(*numbers)
  when 'enqueue-single' then enqueue_single(*numbers)
  when 'process' then process_jobs(*numbers)
  when 'pick-up' then pick_up(*numbers)
  else abort("unknown command: #{command}")
  end
$stdout.puts(JSON.generate(answer))
$stdout.flush
# The launcher's threads are idle, and stopping them takes seconds.
exit!(0)
