<?php

declare(strict_types=1);

namespace Espo\Modules\Kanzleisync\Sync;

/**
 * What a save of a CBeteiligte makes of its `syncStatus` (docs/domain.md, section 4). Pure: knows nothing of EspoCRM.
 *
 * Nothing but `syncStatus` is decided here: a change does not shorten the back-off after a failure, nor reset its counters.
 */
final class StatusRule
{
    public const PENDING_SYNC = 'pending_sync';
    public const DIRTY = 'dirty';

    /**
     * Attributes whose change has to reach Advoware: Stammdaten, number, and the primary mail and phone where they are written without
     * their array.
     */
    public const SYNCED_ATTRIBUTES = [
        'lastName',
        'firstName',
        'firmenname',
        'salutationName',
        'dateOfBirth',
        'rechtsform',
        'handelsregisterNummer',
        'handelsregisterArt',
        'betnr',
        'emailAddress',
        'phoneNumber',
    ];

    /** Arrays whose change has to reach Advoware, and the key of an element's value. */
    public const SYNCED_ARRAYS = [
        'emailAddressData' => 'emailAddress',
        'phoneNumberData' => 'phoneNumber',
    ];

    /**
     * The status to be set; null leaves it as the save has it.
     *
     * @param bool $isNew The record is being created.
     * @param bool $byKanzleisync kanzleisync itself saves: what it writes came from Advoware or is book-keeping.
     * @param bool $setsStatus The save sets `syncStatus` itself.
     * @param bool $changesSynced The save changes something that is synced.
     */
    public static function decide(bool $isNew, bool $byKanzleisync, bool $setsStatus, bool $changesSynced): ?string
    {
        if ($setsStatus) {
            return null;
        }
        if ($isNew) {
            return self::PENDING_SYNC;
        }

        return !$byKanzleisync && $changesSynced ? self::DIRTY : null;
    }
}
