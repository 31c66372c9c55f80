<?php

use Espo\Core\Container;
use Espo\Core\Exceptions\Error;
use Espo\Core\Utils\Metadata;

/** Refuses to install where the entity is missing: the extension adds to CBeteiligte and cannot create it. */
class BeforeInstall
{
    /** What the Entity Manager gives an entity of type Person. */
    private const FIELDS_OF_A_PERSON = ['firstName', 'lastName', 'salutationName', 'emailAddress', 'phoneNumber'];

    public function run(Container $container): void
    {
        $metadata = $container->getByClass(Metadata::class);
        $fields = $metadata->get(['entityDefs', 'CBeteiligte', 'fields']) ?? [];
        $missing = array_diff(self::FIELDS_OF_A_PERSON, array_keys($fields));

        if (!$metadata->get(['scopes', 'CBeteiligte', 'entity']) || $missing !== []) {
            throw new Error(
                'kanzleisync: create the entity type "Beteiligte" (CBeteiligte) of type Person in the Entity Manager first. '
                . 'Missing fields: ' . implode(', ', $missing)
            );
        }
    }
}
