-- May a run begin that needs these systems? A run that finds a pause over becomes the probe.
--
-- ARGV[2]  name of the run; ARGV[3] how long a probe is believed alive, in ms; ARGV[4..] systems
-- Answer   {'go', openings, probes 0|1, ...}  two values per system
--          {'open', ms}     a system is down, its next probe may begin in ms
--          {'probing', ms}  a run probes at present; it is believed alive for ms
--
-- Invariant: all or nothing. A run that may not begin has changed nothing.
local run, alive = ARGV[2], tonumber(ARGV[3])
local found, open, probing = {}, 0, 0
for at = 4, #ARGV do
  local b = load(ARGV[at])
  found[#found + 1] = b
  if b.state == 'open' and b.till > NOW_MS then
    open = math.max(open, b.till - NOW_MS)
  elseif b.state == 'probing' and b.till > NOW_MS and b.probe ~= run then
    probing = math.max(probing, b.till - NOW_MS)
  end
end
if open > 0 then
  return { 'open', open }
end
if probing > 0 then
  return { 'probing', probing }
end
local answer = { 'go' }
for at, b in ipairs(found) do
  if b.state ~= 'closed' then
    b.state, b.probe, b.till = 'probing', run, NOW_MS + alive
    save(ARGV[at + 3], b)
  end
  answer[#answer + 1] = b.openings
  answer[#answer + 1] = b.state == 'closed' and 0 or 1
end
return answer
