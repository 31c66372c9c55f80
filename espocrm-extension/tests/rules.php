<?php

/** Tests of the extension's pure classes; `php espocrm-extension/tests/rules.php`. Needs no EspoCRM. */

declare(strict_types=1);

use Espo\Modules\Kanzleisync\Setup\CustomMetadata;
use Espo\Modules\Kanzleisync\Sync\Entries;
use Espo\Modules\Kanzleisync\Sync\StatusRule;

$module = __DIR__ . '/../files/custom/Espo/Modules/Kanzleisync';
require "$module/Sync/StatusRule.php";
require "$module/Sync/Entries.php";
require "$module/Setup/CustomMetadata.php";

$failures = 0;
$checks = 0;

function same(mixed $actual, mixed $expected, string $what): void
{
    global $failures, $checks;
    $checks++;
    if ($actual !== $expected) {
        $failures++;
        fwrite(STDERR, "rules: $what: expected " . var_export($expected, true) . ', got ' . var_export($actual, true) . "\n");
    }
}

// Every case of the table: isNew, byKanzleisync, setsStatus, changesSynced.
foreach ([false, true] as $byKanzleisync) {
    foreach ([false, true] as $changesSynced) {
        $case = json_encode(compact('byKanzleisync', 'changesSynced'));
        same(StatusRule::decide(true, $byKanzleisync, false, $changesSynced), 'pending_sync', "created: $case");
        same(StatusRule::decide(true, $byKanzleisync, true, $changesSynced), null, "created with a status: $case");
        same(StatusRule::decide(false, $byKanzleisync, true, $changesSynced), null, "status set in the same save: $case");
    }
    same(StatusRule::decide(false, $byKanzleisync, false, false), null, 'nothing synced is changed');
}
same(StatusRule::decide(false, false, false, true), 'dirty', 'a user changes what is synced');
same(StatusRule::decide(false, true, false, true), null, 'kanzleisync changes what is synced');

/** @param array<string, mixed> $changes */
function mailEntry(string $address, array $changes = []): stdClass
{
    $lower = strtolower($address);
    $read = ['emailAddress' => $address, 'lower' => $lower, 'primary' => false, 'optOut' => false, 'invalid' => false];

    return (object) array_merge($read, $changes);
}

/** @param array<string, mixed> $changes */
function phoneEntry(string $number, string $type, array $changes = []): stdClass
{
    $read = ['phoneNumber' => $number, 'type' => $type, 'primary' => false, 'optOut' => false, 'invalid' => false];

    return (object) array_merge($read, $changes);
}

$stored = [mailEntry('a@example.org', ['primary' => true]), mailEntry('b@example.org')];
$mails = fn (mixed $after): bool => Entries::differ($stored, $after, 'emailAddress');
same($mails($stored), false, 'mails as they are');
same($mails(array_reverse($stored)), false, 'mails in another order');
same($mails(null), false, 'null stores nothing');
same($mails([(object) ['emailAddress' => ' a@example.org '], (object) ['emailAddress' => 'b@example.org']]), false, 'only values, first is primary');
same($mails([...$stored, mailEntry('')]), false, 'an element without value is skipped');
same($mails([['emailAddress' => 'a@example.org', 'primary' => true], ['emailAddress' => 'b@example.org']]), false, 'elements as arrays');
same($mails([$stored[0], mailEntry('b@example.org', ['optOut' => true, 'invalid' => true])]), false, 'flags that Advoware has not');
same($mails([$stored[0]]), true, 'a mail is removed');
same($mails([]), true, 'all mails are removed');
same($mails([...$stored, mailEntry('c@example.org')]), true, 'a mail is added');
same($mails([$stored[0], mailEntry('c@example.org')]), true, 'a mail is changed');
same($mails([$stored[0], mailEntry('B@example.org')]), true, 'a mail is spelled otherwise');
same($mails([mailEntry('a@example.org'), mailEntry('b@example.org', ['primary' => true])]), true, 'another mail is primary');
same(Entries::differ(null, $stored, 'emailAddress'), true, 'the first mails');
same(Entries::differ(null, [], 'emailAddress'), false, 'still no mails');

$stored = [phoneEntry('+49511123456', 'Office', ['primary' => true]), phoneEntry('110', 'Fax')];
$phones = fn (mixed $after): bool => Entries::differ($stored, $after, 'phoneNumber');
same($phones(array_reverse($stored)), false, 'phones in another order');
same($phones([$stored[0], phoneEntry('110', 'Fax', ['optOut' => true])]), false, 'a flag of a phone');
same($phones([$stored[0], phoneEntry('110', 'Home')]), true, 'the type of a phone');
same($phones([$stored[0], phoneEntry('112', 'Fax')]), true, 'a phone is changed');
same($phones([$stored[0]]), true, 'a phone is removed');

$defs = json_decode('{"sidePanels": {"detail": [{"name": "tasks"}]}, "boolFilterList": ["onlyMy"]}');
same(CustomMetadata::showPanel($defs), true, 'the firm has panels');
same(json_encode($defs), '{"sidePanels":{"detail":["__APPEND__",{"name":"tasks"}]},"boolFilterList":["onlyMy"]}', 'the firm has panels');
same(CustomMetadata::showPanel($defs), false, 'installed again');
foreach (['{}', '{"sidePanels": {}}', '{"sidePanels": {"edit": []}}'] as $json) {
    same(CustomMetadata::showPanel(json_decode($json)), false, "no panels of the firm: $json");
}
$defs = json_decode('{"optimisticConcurrencyControl": false, "fields": {}}');
same(CustomMetadata::switchConcurrencyControlOn($defs), true, 'the switch is off');
same(json_encode($defs), '{"optimisticConcurrencyControl":true,"fields":{}}', 'the switch is off');
same(CustomMetadata::switchConcurrencyControlOn($defs), false, 'the switch is on');
same(CustomMetadata::switchConcurrencyControlOn(json_decode('{}')), false, 'the switch is not written down');

if ($failures > 0) {
    fwrite(STDERR, "rules: $failures of $checks checks failed\n");
    exit(1);
}
echo "rules: $checks checks\n";
